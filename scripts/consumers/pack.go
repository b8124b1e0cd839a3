package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// dated is the date that every version has: nothing depends on it.
const dated = "2000-01-01T00:00:00Z"

// packed is a file of a module.
type packed struct {
	name, from string
	text       []byte // in place of what is at from, unless nil
}

func (p packed) Path() string { return p.name }

func (p packed) Lstat() (fs.FileInfo, error) {
	info, err := os.Lstat(p.from)
	if err != nil || p.text == nil {
		return info, err
	}
	return sized{info, int64(len(p.text))}, nil
}

func (p packed) Open() (io.ReadCloser, error) {
	if p.text == nil {
		return os.Open(p.from)
	}
	return io.NopCloser(bytes.NewReader(p.text)), nil
}

// sized is a file's description with another size.
type sized struct {
	fs.FileInfo

	size int64
}

func (s sized) Size() int64 { return s.size }

// contents returns the files of a module as a proxy would serve them. A module without a
// licence of its own gets that at the top, as the go command does it.
func (t *tree) contents(m *mod, goMod []byte) []zip.File {
	files := make([]zip.File, 0, len(m.files)+1)
	for _, name := range m.files {
		p := packed{name: name, from: filepath.Join(t.root, m.dir, name)}
		if name == modFile {
			p.text = goMod
		}
		files = append(files, p)
	}
	if top := t.modules[0]; !slices.Contains(m.files, "LICENSE") && slices.Contains(top.files, "LICENSE") {
		files = append(files, packed{name: "LICENSE", from: filepath.Join(t.root, "LICENSE")})
	}
	return files
}

// pack adds a module to the proxy in the folder proxy, in the layout of GOPROXY=file://.
func (t *tree) pack(proxy string, m *mod, version string, goMod []byte) (err error) {
	escaped, err := module.EscapePath(m.path())
	if err != nil {
		return err
	}
	dir := filepath.Join(proxy, escaped, "@v")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"list": version + "\n", version + ".mod": string(goMod),
		version + ".info": fmt.Sprintf(`{"Version":%q,"Time":%q}`, version, dated),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	out, err := os.Create(filepath.Join(dir, version+".zip"))
	if err != nil {
		return err
	}
	defer func() {
		if closed := out.Close(); err == nil {
			err = closed
		}
	}()
	return zip.Create(out, module.Version{Path: m.path(), Version: version}, t.contents(m, goMod))
}
