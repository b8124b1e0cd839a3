package keyring

// LastProblem is what the last look at the issuer ran into, or "".
func (s *Source) LastProblem() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.problem.err == nil {
		return ""
	}
	return s.problem.err.Error()
}
