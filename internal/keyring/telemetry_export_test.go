package keyring

// TroubleOf names what an attempt ran into.
func TroubleOf(err error) (string, int) { return troubleOf(err) }
