package app

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// manifest is the last entry of a backup: what stands in it, so that a restore knows
// that it has all of it as it was.
type manifest struct {
	Format int               `json:"format"`
	Made   time.Time         `json:"made"`
	Sums   map[string]string `json:"sums"` // sha256 of each file, hexadecimal
}

const (
	manifestName   = "earshot-backup.json"
	manifestFormat = 1
)

// Backup writes the data directory of the embedded servers into one file (tar, zstd).
// Nobody may run on the directory meanwhile: what is copied is what a clean stop left.
func Backup(ctx context.Context, cfg *Config, c *Console, to string) (err error) {
	if _, err := os.Stat(cfg.Data); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	dir, _, err := claim(ctx, cfg.Data, nil, c.Log)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() { err = errors.Join(err, dir.release()) }()
	part := to + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	n, err := pack(ctx, cfg.Data, f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("backup: %w", err), os.Remove(part))
	}
	if err := os.Rename(part, to); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	c.print(fmt.Sprintf("%s holds %s files of %s; `%s restore %s` brings them back\n", to, count(int64(n)), cfg.Data, cfg.Invocation, to))
	return nil
}

// pack writes a directory and its manifest; it returns the number of files.
func pack(ctx context.Context, dir string, w io.Writer) (int, error) {
	z, err := zstd.NewWriter(w)
	if err != nil {
		return 0, err
	}
	t := tar.NewWriter(z)
	m := manifest{Format: manifestFormat, Made: time.Now().UTC(), Sums: map[string]string{}}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || name == "." || name == lockFile || name == runtimeFile {
			return err
		}
		return packOne(t, path, filepath.ToSlash(name), d, m.Sums)
	})
	if err != nil {
		return 0, err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return 0, err
	}
	if err := t.WriteHeader(&tar.Header{Name: manifestName, Mode: 0o600, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
		return 0, err
	}
	_, err = t.Write(text)
	return len(m.Sums), errors.Join(err, t.Close(), z.Close())
}

// packOne writes a file, a directory or a link; sockets and the like are left out.
func packOne(t *tar.Writer, path, name string, d fs.DirEntry, sums map[string]string) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(path); err != nil {
			return err
		}
		if filepath.IsAbs(link) { // the copy must not lead back to the original
			if link, err = filepath.Rel(filepath.Dir(path), link); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if !info.Mode().IsRegular() && !info.IsDir() && link == "" {
		return nil
	}
	h, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	h.Name = name
	if err := t.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(t, sum), f)
	sums[name] = hex.EncodeToString(sum.Sum(nil))
	return errors.Join(err, f.Close())
}

// Restore makes the data directory anew from a backup. One that is there already is
// refused: restore never overwrites. It stands whole or not at all.
func Restore(ctx context.Context, cfg *Config, c *Console, from string) (err error) {
	if left, err := os.ReadDir(cfg.Data); err == nil && len(left) > 0 {
		return fmt.Errorf("restore: %s is not empty: move it away, or set another `data:`", cfg.Data)
	}
	f, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	part := strings.TrimRight(cfg.Data, "/") + ".restoring"
	if err := os.MkdirAll(filepath.Dir(part), 0o700); err != nil {
		return fmt.Errorf("restore: %w; set another `data:`", err)
	}
	if err := os.Mkdir(part, 0o700); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("restore: %w: remove what an earlier restore left", err)
	} else if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	n, err := unpack(ctx, part, bufio.NewReader(f))
	if err != nil {
		return errors.Join(fmt.Errorf("restore: %s: %w; it is damaged, or no backup; nothing was restored", from, err), os.RemoveAll(part))
	}
	if err := os.Remove(cfg.Data); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is empty
		return fmt.Errorf("restore: %w", err)
	}
	if err := os.Rename(part, cfg.Data); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	c.print(fmt.Sprintf("%s holds the %s files of %s, each as it was\n", cfg.Data, count(int64(n)), from))
	return nil
}

// unpack reads a backup into an empty directory and compares it with its manifest.
// Nothing is written outside the directory, whatever the names say.
func unpack(ctx context.Context, dir string, r io.Reader) (n int, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	z, err := zstd.NewReader(r)
	if err != nil {
		return 0, err
	}
	defer z.Close()
	sums := map[string]string{}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return 0, errors.New("it has no manifest: it is not a whole backup")
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return 0, err
		}
		if h.Name == manifestName {
			return len(sums), compare(t, sums)
		}
		if err := unpackOne(root, h, t, sums); err != nil {
			return 0, err
		}
	}
}

func unpackOne(root *os.Root, h *tar.Header, r io.Reader, sums map[string]string) error {
	mode := fs.FileMode(h.Mode) & 0o777
	switch h.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(strings.TrimSuffix(h.Name, "/"), mode|0o700)
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, h.Name)
	case tar.TypeReg:
		f, err := root.OpenFile(h.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode|0o600)
		if err != nil {
			return err
		}
		sum := sha256.New()
		_, err = io.Copy(io.MultiWriter(f, sum), r)
		sums[h.Name] = hex.EncodeToString(sum.Sum(nil))
		return errors.Join(err, f.Sync(), f.Close())
	}
	return fmt.Errorf("%s is neither file, directory nor link", h.Name)
}

// compare holds what was read against the manifest.
func compare(r io.Reader, sums map[string]string) error {
	var m manifest
	if err := json.NewDecoder(r).Decode(&m); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	if m.Format != manifestFormat {
		return fmt.Errorf("manifest: format %d is not known to this program", m.Format)
	}
	for name, sum := range m.Sums {
		if sums[name] != sum {
			return fmt.Errorf("%s is not as it was", name)
		}
	}
	if len(m.Sums) != len(sums) {
		return fmt.Errorf("manifest: names %d files, the backup holds %d", len(m.Sums), len(sums))
	}
	return nil
}
