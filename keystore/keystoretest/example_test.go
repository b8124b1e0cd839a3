package keystoretest_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/keystoretest"
	"github.com/keychorus/keychorus/keystore/memory"
)

// In a test file of the store this is the body of TestStore.
func ExampleRun() {
	stdout := os.Stdout
	os.Stdout = os.Stderr // go test -v reports cases where examples report their output
	passed := testing.RunTests(func(_, _ string) (bool, error) { return true, nil }, []testing.InternalTest{{
		Name: "TestStore",
		F: func(t *testing.T) {
			keystoretest.Run(t, func(testing.TB) keystore.KeyStore { return memory.New() })
		},
	}})
	os.Stdout = stdout
	fmt.Println(passed)
	// Output: true
}
