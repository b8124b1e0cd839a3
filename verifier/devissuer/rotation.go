package devissuer

import (
	"errors"
	"slices"
)

// Rotate signs with a new key from now on: the staged one, else one of the same
// algorithm as the first. The old keys stay published until [Issuer.Withdraw].
// It returns the new key's id, or an error if no key can be generated.
func (i *Issuer) Rotate() (kid string, err error) {
	i.rotation.Lock()
	defer i.rotation.Unlock()
	i.mu.Lock()
	key := i.staged
	i.staged = nil
	i.mu.Unlock()
	if key == nil {
		key, err = i.add(i.algorithm)
	}
	return i.signWith(key, err)
}

// RotateTo is [Issuer.Rotate] to a new key of the given algorithm. A staged key
// stays staged, and later rotations keep to their own algorithm.
func (i *Issuer) RotateTo(alg Algorithm) (kid string, err error) {
	i.rotation.Lock()
	defer i.rotation.Unlock()
	return i.signWith(i.add(alg))
}

// Stage publishes the key that the next [Issuer.Rotate] will sign with, so that
// verifiers can learn it before its first token. It returns that key's id, or
// an error if no key can be generated. While a key is staged, it changes
// nothing.
func (i *Issuer) Stage() (kid string, err error) {
	i.rotation.Lock()
	defer i.rotation.Unlock()
	i.mu.Lock()
	key := i.staged
	i.mu.Unlock()
	if key == nil {
		if key, err = i.add(i.algorithm); err != nil {
			return "", err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.staged = key
	return key.id, nil
}

// Withdraw stops publishing a key. If it is the one that signs, it signs on: its
// tokens are what a verifier has to refuse. An id that no key has is an error;
// a key that is withdrawn already is not.
func (i *Issuer) Withdraw(kid string) error {
	i.rotation.Lock()
	defer i.rotation.Unlock()
	i.mu.Lock()
	defer i.mu.Unlock()
	n := slices.IndexFunc(i.keys, func(k *Key) bool { return k.id == kid })
	if n < 0 {
		return errors.New("devissuer: no key of that id")
	}
	i.withdrawn[i.keys[n]] = true
	if i.staged == i.keys[n] {
		i.staged = nil
	}
	return nil
}

// add publishes a spare key, or generates one. Generating is slow and so is
// done without mu: requests and minting go on meanwhile.
func (i *Issuer) add(alg Algorithm) (key *Key, err error) {
	n := slices.IndexFunc(i.spare, func(k *Key) bool { return k.algorithm == alg })
	if n >= 0 {
		key = i.spare[n]
		i.spare = slices.Delete(i.spare, n, n+1)
	} else if key, err = NewKey(alg, ""); err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, key)
	return key, nil
}

func (i *Issuer) signWith(key *Key, err error) (string, error) {
	if err != nil {
		return "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.current = key
	return key.id, nil
}
