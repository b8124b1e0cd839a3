package keystore_test

import (
	"reflect"
	"testing"

	"github.com/keychorus/keychorus/keystore"
)

func TestCloneSharesNoMemory(t *testing.T) {
	full := func() *keystore.Record {
		return &keystore.Record{Document: []byte("{}"), Denied: []string{"kid"}, Epoch: 1, Suspect: [32]byte{1}}
	}
	r := full()
	c := r.Clone()
	if !reflect.DeepEqual(c, r) {
		t.Errorf("the clone is %+v, want %+v", c, r)
	}
	c.Document[0], c.Denied[0], c.Epoch, c.Suspect[0] = 'X', "changed", 2, 2
	if !reflect.DeepEqual(r, full()) {
		t.Errorf("changing the clone made the record %+v", r)
	}
	if c := (*keystore.Record)(nil).Clone(); c != nil {
		t.Errorf("the clone of nil is %+v", c)
	}
}

// Whoever adds a field that refers to memory has to add it to Clone and to the test above.
func TestFieldsThatReferToMemory(t *testing.T) {
	known := map[string]bool{"Document": true, "Denied": true}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[keystore.Record]()) {
		switch f.Type.Kind() {
		case reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface, reflect.Chan, reflect.Func:
			if !known[f.Name] {
				t.Errorf("field %s refers to memory", f.Name)
			}
		}
	}
}

func TestOutcomeNames(t *testing.T) {
	for o, want := range map[keystore.Outcome]string{
		0: "none", keystore.Useful: "useful", keystore.Absent: "absent",
		keystore.Failed: "failed", keystore.Abandoned: "abandoned", 200: "none",
	} {
		if got := o.String(); got != want {
			t.Errorf("outcome %d is %q, want %q", o, got, want)
		}
	}
}
