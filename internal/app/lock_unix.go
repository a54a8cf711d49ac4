//go:build unix

package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lock takes the data folder for this process. The kernel lets go of it when
// the process ends, however it ends.
func (a *App) lock() error {
	f, err := os.OpenFile(a.lockFile(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = fmt.Errorf("another heartline runs on %s; stop it first, or choose another data folder", a.cfg.DataDir)
		}
		return errors.Join(err, f.Close())
	}
	a.onClose("data folder lock", func(context.Context) error { return f.Close() })
	return nil
}
