// Package backup writes everything an installation is made of into one file
// while it runs, and puts it back: the database in a consistent state, keys,
// recordings, prompts. A manifest with the SHA-256 of every part ends the file;
// nothing is put in place before all of it has been checked. The archive holds
// the keys, so whoever has it can read patients' data: it is written with mode
// 0600 and belongs in a safe place. When to back up is not decided here.
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
	"time"

	"heartline/internal/platform/store"
)

// format is the version of the archive's layout.
const format = 1

// Names within the archive.
const (
	sqlitePart   = "database.sqlite"
	postgresPart = "database.pgdump"
	manifestPart = "manifest.json"
	filesDir     = "files/"
)

// Manifest lists what an archive holds.
type Manifest struct {
	Format    int           `json:"format"`
	CreatedAt time.Time     `json:"created_at"`
	Dialect   store.Dialect `json:"dialect"`
	Parts     []Part        `json:"parts"`
}

// Part is one file of an archive.
type Part struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Dir is a folder outside the data folder that belongs to the installation; it
// comes back as Name in the data folder.
type Dir struct{ Name, Path string }

// Backup writes the archive out, which must not exist, from a running
// installation. The database is copied first: a recording it knows is there,
// and one that is being written is taken as far as it has got.
func Backup(ctx context.Context, db *store.DB, dataDir, out string, extra ...Dir) (m Manifest, err error) {
	if m, err = backup(ctx, db, dataDir, out, extra); err != nil {
		return Manifest{}, fmt.Errorf("back up: %w", err)
	}
	return m, nil
}

func backup(ctx context.Context, db *store.DB, dataDir, out string, extra []Dir) (m Manifest, err error) {
	if _, err := os.Lstat(out); err == nil {
		return m, fmt.Errorf("%s exists already", out)
	}
	tmp := out + ".part"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return m, err
	}
	defer os.Remove(tmp) // gone by then if all went well
	w := newWriter(f, db.Dialect())
	err = w.all(ctx, db, dataDir, out, extra)
	if err = errors.Join(err, w.close(err == nil), f.Sync(), f.Close()); err != nil {
		return m, err
	}
	if err := os.Rename(tmp, out); err != nil {
		return m, err
	}
	return w.manifest, syncDir(filepath.Dir(out))
}

type writer struct {
	gz       *gzip.Writer
	tar      *tar.Writer
	manifest Manifest
}

func newWriter(w io.Writer, d store.Dialect) *writer {
	gz, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is valid
	return &writer{gz: gz, tar: tar.NewWriter(gz),
		manifest: Manifest{Format: format, CreatedAt: time.Now().UTC().Truncate(time.Second), Dialect: d}}
}

func (w *writer) all(ctx context.Context, db *store.DB, dataDir, out string, extra []Dir) error {
	if err := w.database(ctx, db, out); err != nil {
		return err
	}
	if err := w.files(ctx, "", dataDir, exclusions(db, out)); err != nil {
		return err
	}
	for _, d := range extra {
		if !filepath.IsLocal(d.Name) || d.Name == "." {
			return fmt.Errorf("%q is no name for a folder in the data folder", d.Name)
		}
		if err := w.files(ctx, d.Name, d.Path, exclusions(db, out)); err != nil {
			return err
		}
	}
	return nil
}

// database copies a consistent state of the database beside the archive, then
// into it.
func (w *writer) database(ctx context.Context, db *store.DB, out string) error {
	dir, err := os.MkdirTemp(filepath.Dir(out), ".backup-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	name, dump := sqlitePart, dumpSQLite
	if db.Dialect() == store.Postgres {
		name, dump = postgresPart, dumpPostgres
	}
	path := filepath.Join(dir, name)
	if err := dump(ctx, db, path); err != nil {
		return err
	}
	return w.file(name, path)
}

// exclusions are the files of the data folder that are not copied as files: the
// live database, which is copied above, and this archive.
func exclusions(db *store.DB, out string) map[string]bool {
	skip := map[string]bool{absolute(out): true, absolute(out + ".part"): true}
	if path, ok := strings.CutPrefix(db.URL(), "sqlite:"); ok {
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			skip[absolute(path+suffix)] = true
		}
	}
	return skip
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// files adds the regular files below root; links and sockets are left out, and
// so are folders that begin with a dot: work in progress.
func (w *writer) files(ctx context.Context, prefix, root string, skip map[string]bool) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != root {
			return nil // removed while we walked
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if !d.Type().IsRegular() || skip[absolute(path)] {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		err = w.file(filesDir+filepath.ToSlash(filepath.Join(prefix, rel)), path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// file adds one file as long as it is now; what is written to it meanwhile is
// not part of the backup.
func (w *writer) file(name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	head := &tar.Header{Name: name, Mode: int64(info.Mode().Perm()), Size: info.Size(), ModTime: info.ModTime(), Format: tar.FormatPAX}
	if err := w.tar.WriteHeader(head); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(w.tar, sum), f, info.Size()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	w.manifest.Parts = append(w.manifest.Parts, Part{Path: name, Size: info.Size(), SHA256: hex.EncodeToString(sum.Sum(nil))})
	return nil
}

// close ends the archive; without the manifest it cannot be restored.
func (w *writer) close(complete bool) error {
	if !complete {
		return nil
	}
	data, err := json.MarshalIndent(w.manifest, "", "  ")
	if err != nil {
		return err
	}
	head := &tar.Header{Name: manifestPart, Mode: 0o600, Size: int64(len(data)), ModTime: w.manifest.CreatedAt, Format: tar.FormatPAX}
	if err := w.tar.WriteHeader(head); err != nil {
		return err
	}
	_, err = w.tar.Write(data)
	return errors.Join(err, w.tar.Close(), w.gz.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
