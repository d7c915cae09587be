//go:build unix

// What of an identity folder differs between systems: its lock, the modes of files, and making a rename last. This is Unix.

package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

var errLocked = syscall.EWOULDBLOCK

// flock is the system call; a test has a file system without locks in its place.
var flock = syscall.Flock

// lockFolder locks the folder itself, so that nothing is left behind when the process dies. NFS locks only what is open for writing, which a
// folder cannot be; there it is a file in the folder.
func lockFolder(folder string) (*os.File, error) {
	file, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	if err = lock(file); err == nil || errors.Is(err, errLocked) {
		return file, err
	}
	refused := err
	if file, err = os.OpenFile(filepath.Join(folder, lockName), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("%w (%w), and %w", errNoLocks, refused, err)
	}
	if err = lock(file); err != nil && !errors.Is(err, errLocked) {
		err = fmt.Errorf("%w (%w)", errNoLocks, err)
	}
	return file, err
}

// lock closes the file when that fails.
func lock(file *os.File) error {
	for {
		err := flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			_ = file.Close()
		}
		return err
	}
}

// exposed says how others than its owner can read a file, and what ends that; nothing when they cannot.
func exposed(file *os.File, info fs.FileInfo) (how, remedy string, err error) {
	mode := info.Mode().Perm()
	if mode&0o077 == 0 {
		return "", "", nil
	}
	return fmt.Sprintf("mode %04o", mode), "chmod 600 " + file.Name(), nil
}

// createPrivate makes a file that only its owner can read.
func createPrivate(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

func syncFolder(folder string) error {
	file, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}
