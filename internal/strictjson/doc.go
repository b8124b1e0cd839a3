// Package strictjson reads one JSON object, member by member, as verification needs it:
// RFC 8259 syntax, valid UTF-8, no duplicate name at any depth, nothing after the object.
// One pass over the text does all of it. Numbers are checked and left as they stand; strings
// with escapes go to jsontext.
package strictjson
