package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

const heading = "# Results\n"

// Write puts text in the section of this name of the file at path: between its markers, or at
// the end if it has none yet. The other sections stay as they are. A file that is not there is
// created; one with half a section is an error.
func Write(path, name, text string) error {
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		old = []byte(heading)
	case err != nil:
		return fmt.Errorf("results: %w", err)
	}
	page, err := Replace(string(old), name, text)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return nil
}

// Replace returns page with text as the section of this name. A page with one marker of it, or
// with both in the wrong order, is an error.
func Replace(page, name, text string) (string, error) {
	begin, end := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->\n"
	section := begin + "\n" + strings.TrimSpace(text) + "\n\n" + end
	before, rest, begun := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	switch {
	case begun && ended:
		return before + section + after, nil
	case begun, strings.Contains(page, end):
		return "", fmt.Errorf("results: half of section %s is missing", name)
	default:
		return strings.TrimRight(page, "\n") + "\n\n" + section, nil
	}
}
