//go:build unix

// Package disk tells how much room a file system has. It writes nothing.
package disk

import "golang.org/x/sys/unix"

// Space returns the bytes that an ordinary user may still fill at path, and
// the size of its file system.
func Space(path string) (free, total uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, 0, err
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}

// Free is Space without the size.
func Free(path string) (uint64, error) {
	free, _, err := Space(path)
	return free, err
}
