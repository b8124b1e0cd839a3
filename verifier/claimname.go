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

// memberNamed returns the claim of that very name, else unregistered. It is memberNames the
// other way round; a switch is faster than a map, and asked for every claim of every token.
func memberNamed(name string) member {
	switch name {
	case "iss":
		return memberIssuer
	case "sub":
		return memberSubject
	case "aud":
		return memberAudience
	case "exp":
		return memberExpiry
	case "nbf":
		return memberNotBefore
	case "iat":
		return memberIssuedAt
	case "jti":
		return memberID
	case "client_id":
		return memberClientID
	case "azp":
		return memberAuthorizedParty
	case "scope":
		return memberScope
	case "scp":
		return memberScp
	case "cnf":
		return memberConfirmation
	case "auth_time":
		return memberAuthTime
	case "token_use":
		return memberTokenUse
	case "typ":
		return memberType
	default:
		return markNamed(name)
	}
}

// markNamed is memberNamed for the claims whose presence alone counts.
func markNamed(name string) member {
	switch name {
	case "at_hash":
		return memberAccessHash
	case "c_hash":
		return memberCodeHash
	case "nonce":
		return memberNonce
	case "updated_at":
		return memberUpdatedAt
	case "rat":
		return memberReauthenticatedAt
	case "events":
		return memberEvents
	case "event_id":
		return memberEventID
	case "data":
		return memberEventData
	case "gty":
		return memberGrantType
	default:
		return unregistered
	}
}

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
	if m := memberNamed(string(name)); m != unregistered {
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
