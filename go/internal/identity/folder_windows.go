// What of an identity folder differs between systems: its lock, the modes of files, and making a rename last. This is Windows, where a folder
// cannot be locked or synced, and access lists take the place of modes.

package identity

import (
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

var errLocked = windows.ERROR_LOCK_VIOLATION

func lockFolder(folder string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(folder, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0,
		&windows.Overlapped{})
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func exposed(fs.FileInfo) bool { return false }

func syncFolder(string) error { return nil }
