package chaos

// Class is what a token was when it was answered.
type Class uint8

// The classes.
const (
	Known       Class = iota // its key is published, and the process has accepted it before
	NewKey                   // its key is published, and new to the process
	Withdrawn                // the issuer does not publish its key any more
	Revoked                  // an operator has denied its key
	Changing                 // its key was withdrawn or revoked while it was under way
	BadForged                // as the kinds
	BadExpired               //
	BadAudience              //
	BadKid                   //
	classes
)

func (c Class) String() string {
	return [classes]string{
		"good, known key", "good, new key", "withdrawn key", "revoked key", "key changing meanwhile",
		"forged", "expired", "other audience", "made-up kid",
	}[c]
}

// classOf returns what a token was.
func (c *court) classOf(e Entry) Class {
	k := c.keys[e.Key]
	switch {
	case e.Kind != Good:
		return map[Kind]Class{Forged: BadForged, Expired: BadExpired, OtherAudience: BadAudience, MadeUp: BadKid}[e.Kind]
	case e.Sent > k.Revoked:
		return Revoked
	case e.Sent > k.Withdrawn && k.Revoking == Never:
		return Withdrawn
	case e.Answered >= k.Withdrawn || e.Answered >= k.Revoking:
		return Changing
	}
	if first, ok := c.first[pair{e.Process, e.Key}]; ok && first < e.Sent {
		return Known
	}
	return NewKey
}
