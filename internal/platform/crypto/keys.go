package crypto

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

// keyFiles are the keysets of an installation.
func keyFiles() map[string]func() *tinkpb.KeyTemplate {
	return map[string]func() *tinkpb.KeyTemplate{
		"seal.json":      aead.AES256GCMKeyTemplate,
		"recording.json": aead.AES256GCMKeyTemplate,
		"index.json":     prf.HMACSHA256PRFKeyTemplate,
		"mac.json":       prf.HMACSHA256PRFKeyTemplate,
	}
}

// Open reads the keys in dir, and makes them on the first start, when dir holds
// none. A folder with only some of them, or that others can read, is refused:
// a key that quietly changes would make stored data unreadable.
func Open(dir string) (*Keyring, error) {
	if err := ensureKeys(dir); err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	k := new(Keyring)
	handles := make(map[string]*keyset.Handle)
	for name := range keyFiles() {
		h, err := readKeyset(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("open keys: %s: %w", name, err)
		}
		handles[name] = h
	}
	var errSeal, errRec, errIndex, errMAC error
	k.seal, errSeal = aead.New(handles["seal.json"])
	k.recording, errRec = aead.New(handles["recording.json"])
	k.index, errIndex = prf.NewPRFSet(handles["index.json"])
	k.mac, errMAC = prf.NewPRFSet(handles["mac.json"])
	if err := errors.Join(errSeal, errRec, errIndex, errMAC); err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	return k, nil
}

func ensureKeys(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var missing []string
	for name := range keyFiles() {
		info, err := os.Stat(filepath.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, name)
		case err != nil:
			return err
		case info.Mode().Perm()&0o077 != 0:
			return fmt.Errorf("%s can be read by others (mode %04o): run chmod 600 on it", filepath.Join(dir, name), info.Mode().Perm())
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if len(missing) != len(keyFiles()) {
		return fmt.Errorf("%s lacks %v but has other keys: restore the whole folder from a backup", dir, missing)
	}
	return createKeys(dir)
}

// createKeys writes all keysets into a folder beside dir first, so that a crash
// cannot leave half of them.
func createKeys(dir string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".keys-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	for name, template := range keyFiles() {
		h, err := keyset.NewHandle(template())
		if err != nil {
			return err
		}
		var buf bytes.Buffer
		if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&buf)); err != nil {
			return err
		}
		if err := writeSynced(filepath.Join(tmp, name), buf.Bytes()); err != nil {
			return err
		}
	}
	if err := os.Remove(dir); err != nil { // it is empty of keys; anything else in it stops us here
		return fmt.Errorf("key folder holds other files: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func readKeyset(path string) (*keyset.Handle, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(data)))
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
