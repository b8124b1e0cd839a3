package memory

// Remembered is how many uses take room.
func (r *Replay) Remembered() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.until)
}
