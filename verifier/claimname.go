package verifier

import "strings"

// member is a claim that verification reads.
type member uint8

const (
	unregistered member = iota
	folded              // differs from a claim that carries a value by letter case alone
	memberIssuer
	memberSubject
	memberAudience
	memberExpiry
	memberNotBefore
	memberIssuedAt
	memberID
	memberClientID
	memberAuthorizedParty
	memberScope
	memberScp
	memberConfirmation
	memberAuthTime
	memberTokenUse
	memberType
	memberAccessHash // from here on, presence alone counts
	memberCodeHash
	memberNonce
	memberUpdatedAt
	memberReauthenticatedAt
	memberEvents
	memberEventID
	memberEventData
	memberGrantType
	memberEnd
)

// memberNames is read-only and in the order of the constants.
var memberNames = [memberEnd]string{
	memberIssuer: "iss", memberSubject: "sub", memberAudience: "aud", memberExpiry: "exp",
	memberNotBefore: "nbf", memberIssuedAt: "iat", memberID: "jti", memberClientID: "client_id",
	memberAuthorizedParty: "azp", memberScope: "scope", memberScp: "scp", memberConfirmation: "cnf",
	memberAuthTime: "auth_time", memberTokenUse: "token_use", memberType: "typ",
	memberAccessHash: "at_hash", memberCodeHash: "c_hash", memberNonce: "nonce",
	memberUpdatedAt: "updated_at", memberReauthenticatedAt: "rat", memberEvents: "events",
	memberEventID: "event_id", memberEventData: "data", memberGrantType: "gty",
}

// memberByName is read-only.
var memberByName = func() map[string]member {
	byName := make(map[string]member, memberEnd)
	for m := memberIssuer; m < memberEnd; m++ {
		byName[memberNames[m]] = m
	}
	return byName
}()

// mayFold tells whether a name could fold onto one of ours, which are in lower case: only
// with a capital or a letter beyond ASCII.
func mayFold(name []byte) bool {
	for _, c := range name {
		if c >= 'A' && c <= 'Z' || c >= 0x80 {
			return true
		}
	}
	return false
}

// marks is the set of claims present, by member.
type marks uint32

func (m marks) has(members ...member) bool {
	for _, x := range members {
		if m&(1<<x) != 0 {
			return true
		}
	}
	return false
}

// memberOf tells which claim a name is.
func memberOf(name []byte) member {
	if m, ok := memberByName[string(name)]; ok {
		return m
	}
	if len(name) <= maxFoldedName && mayFold(name) {
		for m := memberIssuer; m < memberAccessHash; m++ {
			if strings.EqualFold(string(name), memberNames[m]) {
				return folded
			}
		}
	}
	return unregistered
}

// maxFoldedName bounds the names that can fold onto one of ours: the longest of those is
// client_id, and no letter folds onto more than three bytes.
const maxFoldedName = 3 * len("client_id")
