package chaos_test

import (
	"fmt"
	"time"

	"github.com/keychorus/keychorus/e2e/chaos"
)

func ExampleJudge() {
	ledger := &chaos.Ledger{
		Replicas: 1, Interval: 30 * time.Second, Length: time.Minute,
		Keys:      []*chaos.Key{{ID: "k", Withdrawn: chaos.Never, Revoking: chaos.Never, Revoked: chaos.Never}},
		Processes: []*chaos.Process{{Ready: time.Second, Ended: chaos.Never}},
		Entries: []chaos.Entry{
			{Kind: chaos.Good, Key: "k", Sent: 2 * time.Second, Answered: 2 * time.Second, Status: 200},
			{Kind: chaos.Good, Key: "k", Sent: 3 * time.Second, Answered: 3 * time.Second, Status: 401},
		},
	}
	for _, v := range chaos.Judge(ledger).Violations {
		fmt.Println(v)
	}
	// Output: 3.00 s: a token is lost whose key is published, and known to the process: status 401, key k, first accepted at 2.00 s (process 0)
}
