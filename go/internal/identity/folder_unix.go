//go:build unix

// What of an identity folder differs between systems: its lock, the modes of files, and making a rename last. This is Unix.

package identity

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

var errLocked = syscall.EWOULDBLOCK

// lockFolder locks the folder itself, so that nothing is left behind when the process dies.
func lockFolder(folder string) (*os.File, error) {
	file, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func exposed(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

func syncFolder(folder string) error {
	file, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}
