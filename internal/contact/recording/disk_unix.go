//go:build unix

package recording

import "golang.org/x/sys/unix"

// freeBytes returns the space an ordinary user may still fill at path.
func freeBytes(path string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, err
	}
	return st.Bavail * uint64(st.Bsize), nil
}
