package backup

import (
	"archive/tar"
	"compress/gzip"
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

	"heartline/internal/platform/store"
)

// ErrDamaged is returned for an archive that is incomplete or was changed.
var ErrDamaged = errors.New("backup: archive is damaged")

// maxManifest bounds the manifest of a hostile archive.
const maxManifest = 64 << 20

// Restore puts an archive back: files into dataDir, which must not exist or be
// empty, and the database to where databaseURL says, which must be empty too;
// an empty databaseURL means SQLite in dataDir. Everything is checked against
// the manifest before anything is put in place.
func Restore(ctx context.Context, archive, dataDir, databaseURL string) (Manifest, error) {
	m, err := restore(ctx, archive, dataDir, databaseURL)
	if err != nil {
		return Manifest{}, fmt.Errorf("restore: %w", err)
	}
	return m, nil
}

func restore(ctx context.Context, archive, dataDir, databaseURL string) (m Manifest, err error) {
	if databaseURL == "" {
		databaseURL = "sqlite:" + filepath.Join(dataDir, "heartline.db")
	}
	if err := mustBeEmpty(dataDir); err != nil {
		return m, err
	}
	parent := filepath.Dir(absolute(dataDir))
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return m, err
	}
	tmp, err := os.MkdirTemp(parent, ".restore-")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(tmp)
	if m, err = unpack(ctx, archive, tmp); err != nil {
		return m, err
	}
	if err := placeDatabase(ctx, m, tmp, dataDir, databaseURL); err != nil {
		return m, err
	}
	return m, placeFiles(filepath.Join(tmp, "files"), dataDir, parent)
}

// Check reads an archive to its end and compares it with its manifest.
func Check(ctx context.Context, archive string) (Manifest, error) {
	m, err := unpack(ctx, archive, "")
	if err != nil {
		return Manifest{}, fmt.Errorf("check backup: %w", err)
	}
	return m, nil
}

func mustBeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: move it away first", dir)
	}
	return nil
}

// unpack writes all parts below dir, or nowhere if dir is empty, and checks them.
func unpack(ctx context.Context, archive, dir string) (m Manifest, err error) {
	f, err := os.Open(archive)
	if err != nil {
		return m, err
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	got := make(map[string]Part)
	for r := tar.NewReader(gz); ; {
		if err := ctx.Err(); err != nil {
			return m, err
		}
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return m, fmt.Errorf("%w: it has no manifest", ErrDamaged)
		}
		if err != nil {
			return m, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if head.Name == manifestPart {
			if m, err = readManifest(r, gz); err != nil {
				return m, fmt.Errorf("%w: %w", ErrDamaged, err)
			}
			return m, m.compare(got)
		}
		p, err := unpackPart(r, head, dir)
		if err != nil {
			return m, err
		}
		if _, twice := got[p.Path]; twice {
			return m, fmt.Errorf("%w: %s is in it twice", ErrDamaged, p.Path)
		}
		got[p.Path] = p
	}
}

// readManifest reads the last part and makes sure that nothing follows and that
// the archive's own checksum holds.
func readManifest(r *tar.Reader, gz io.Reader) (m Manifest, err error) {
	data, err := io.ReadAll(io.LimitReader(r, maxManifest))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, err
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		return m, errors.Join(errors.New("something follows the manifest"), err)
	}
	_, err = io.Copy(io.Discard, gz)
	return m, err
}

func unpackPart(r io.Reader, head *tar.Header, dir string) (Part, error) {
	name := filepath.FromSlash(head.Name)
	if head.Typeflag != tar.TypeReg || !filepath.IsLocal(name) {
		return Part{}, fmt.Errorf("%w: %q does not belong in it", ErrDamaged, head.Name)
	}
	var out io.Writer = io.Discard
	if dir != "" {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return Part{}, err
		}
		// The mode keeps what is private so; it cannot give more than reading.
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600|fs.FileMode(head.Mode)&0o044)
		if err != nil {
			return Part{}, err
		}
		defer f.Close()
		out = syncWriter{f}
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, sum), r)
	if err != nil {
		if errors.As(err, new(*fs.PathError)) {
			return Part{}, err // our disk, not the archive
		}
		return Part{}, fmt.Errorf("%w: %s: %w", ErrDamaged, head.Name, err)
	}
	if s, ok := out.(syncWriter); ok {
		if err := s.Sync(); err != nil {
			return Part{}, err
		}
	}
	return Part{Path: head.Name, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

type syncWriter struct{ *os.File }

// compare says whether exactly the parts of the manifest were there.
func (m Manifest) compare(got map[string]Part) error {
	if m.Format != format {
		return fmt.Errorf("archive has format %d, this program reads %d", m.Format, format)
	}
	if len(m.Parts) != len(got) {
		return fmt.Errorf("%w: %d parts, the manifest lists %d", ErrDamaged, len(got), len(m.Parts))
	}
	for _, want := range m.Parts {
		if got[want.Path] != want {
			return fmt.Errorf("%w: %s differs from the manifest", ErrDamaged, want.Path)
		}
	}
	return nil
}

func placeDatabase(ctx context.Context, m Manifest, tmp, dataDir, databaseURL string) error {
	path, isFile := strings.CutPrefix(databaseURL, "sqlite:")
	if isFile != (m.Dialect == store.SQLite) {
		return fmt.Errorf("the archive holds a %s database, the configuration names another kind", m.Dialect)
	}
	if !isFile {
		return loadPostgres(ctx, databaseURL, filepath.Join(tmp, postgresPart))
	}
	dump := filepath.Join(tmp, sqlitePart)
	if err := checkSQLite(ctx, dump); err != nil {
		return err
	}
	if rel, err := filepath.Rel(absolute(dataDir), absolute(path)); err == nil && filepath.IsLocal(rel) {
		path = filepath.Join(tmp, "files", rel) // it moves into place with everything else
	} else if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s exists already: move it away first", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return moveFile(dump, path)
}

// moveFile also works from one file system to another.
func moveFile(from, to string) error {
	if err := os.Rename(from, to); err == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

func placeFiles(files, dataDir, parent string) error {
	if err := os.MkdirAll(files, 0o700); err != nil { // an archive of a database alone
		return err
	}
	if err := os.Remove(dataDir); err != nil && !errors.Is(err, fs.ErrNotExist) { // empty, as checked
		return err
	}
	if err := os.Rename(files, dataDir); err != nil {
		return err
	}
	return syncDir(parent)
}
