package strictjson

import "github.com/go-json-experiment/json/jsontext"

// scanner reads one text. Its methods begin at the byte named by at and leave it behind what
// they have read.
type scanner struct {
	text           []byte
	at             int
	depth, members int // still allowed
	objects        uint64
	names          names
	name, scratch  []byte // unescaped: a name to tell of, anything else
}

// next skips white space and returns the byte there, or 0, which begins and ends nothing in
// JSON, at the end of the text.
func (s *scanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		if c := s.text[s.at]; c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

// object reads an object from its brace on and tells v, unless nil, of its members.
func (s *scanner) object(v Visitor) error {
	if err := s.enter(); err != nil {
		return err
	}
	s.objects++
	object := s.objects
	if s.next() == '}' {
		s.leave()
		return nil
	}
	for {
		if s.next() != '"' {
			return ErrSyntax
		}
		name, err := s.nameOf(object, v != nil)
		if err != nil {
			return err
		}
		if s.next() != ':' {
			return ErrSyntax
		}
		s.at++
		first := s.next()
		start := s.at
		if err := s.value(first); err != nil {
			return err
		}
		if v != nil {
			if err := v.Member(name, jsontext.Value(s.text[start:s.at]), start); err != nil {
				return err
			}
		}
		switch s.next() {
		case ',':
			s.at++
		case '}':
			s.leave()
			return nil
		default:
			return ErrSyntax
		}
	}
}

// nameOf reads a name, which no other member of the object may have. told says that it is
// needed until the member has been read.
func (s *scanner) nameOf(object uint64, told bool) ([]byte, error) {
	if s.members--; s.members < 0 {
		return nil, ErrLimit
	}
	scratch := &s.scratch
	if told {
		scratch = &s.name
	}
	name, err := s.str(scratch)
	if err != nil {
		return nil, err
	}
	if !s.names.add(object, name) {
		return nil, ErrSyntax
	}
	return name, nil
}

// list reads a list from its bracket on.
func (s *scanner) list() error {
	if err := s.enter(); err != nil {
		return err
	}
	first := s.next()
	if first == ']' {
		s.leave()
		return nil
	}
	for {
		if err := s.value(first); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.at++
			first = s.next()
		case ']':
			s.leave()
			return nil
		default:
			return ErrSyntax
		}
	}
}

func (s *scanner) enter() error {
	if s.depth--; s.depth < 0 {
		return ErrLimit
	}
	s.at++
	return nil
}

func (s *scanner) leave() {
	s.depth++
	s.at++
}

// value reads the value that begins with the byte first.
func (s *scanner) value(first byte) error {
	switch first {
	case '"':
		_, err := s.str(&s.scratch)
		return err
	case '{':
		return s.object(nil)
	case '[':
		return s.list()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

func (s *scanner) literal(word string) error {
	end := s.at + len(word)
	if end > len(s.text) || string(s.text[s.at:end]) != word {
		return ErrSyntax
	}
	s.at = end
	return nil
}

// number reads a number (RFC 8259 §6). What may not follow it is found by who reads on.
func (s *scanner) number() error {
	if s.is('-') {
		s.at++
	}
	if s.is('0') {
		s.at++ // no digit may follow
	} else if !s.digits() {
		return ErrSyntax
	}
	if s.is('.') {
		s.at++
		if !s.digits() {
			return ErrSyntax
		}
	}
	if s.is('e') || s.is('E') {
		s.at++
		if s.is('+') || s.is('-') {
			s.at++
		}
		if !s.digits() {
			return ErrSyntax
		}
	}
	return nil
}

func (s *scanner) is(c byte) bool { return s.at < len(s.text) && s.text[s.at] == c }

// digits skips digits and tells whether there was one.
func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.text) && s.text[s.at]-'0' <= 9 {
		s.at++
	}
	return s.at > start
}
