//go:build unix

package identity

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// onFileSystem lets locks fail as on a file system: files are locked in earnest, or not at all, and folders never are.
func onFileSystem(t *testing.T, folders, files error) {
	t.Cleanup(func() { flock = syscall.Flock })
	flock = func(fd, how int) error {
		var info syscall.Stat_t
		if err := syscall.Fstat(fd, &info); err != nil {
			return err
		}
		if info.Mode&syscall.S_IFMT == syscall.S_IFDIR {
			return folders
		}
		if files != nil {
			return files
		}
		return syscall.Flock(fd, how)
	}
}

func TestANewFolderAndItsKeyAreTheOwnersAlone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "alice")
	opened, err := Open(folder)
	require.NoError(t, err)
	opened.Close()
	for path, mode := range map[string]os.FileMode{folder: 0o700, filepath.Join(folder, fileName): 0o600} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm())
	}
}

func TestAKeyReadableByOthersIsRefusedWithTheRemedy(t *testing.T) {
	folder, path := keyFile(t, []byte("whatever"), 0o640)
	_, err := Open(folder)
	require.Equal(t, boundary.IdentityExposed, codeOf(t, err))
	require.ErrorContains(t, err, "can be read by others (mode 0640); run: chmod 600 "+path)
}

func TestWhereAFolderCannotBeLockedAFileInItIs(t *testing.T) {
	onFileSystem(t, syscall.EBADF, nil) // NFS
	folder := t.TempDir()
	first, err := Open(folder)
	require.NoError(t, err)
	_, err = Open(folder)
	require.Equal(t, boundary.IdentityInUse, codeOf(t, err))
	first.Close()
	again, err := Open(folder)
	require.NoError(t, err)
	again.Close()
	info, err := os.Stat(filepath.Join(folder, lockName))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestAFileSystemWithoutLocksIsRefusedWithTheRemedy(t *testing.T) {
	for _, reason := range []error{syscall.ENOLCK, syscall.ENOTSUP, syscall.ENOSYS} {
		onFileSystem(t, syscall.EINVAL, reason)
		_, err := Open(t.TempDir())
		require.Equal(t, boundary.IdentityUnreadable, codeOf(t, err))
		require.ErrorContains(t, err, "choose an identityDir on a local disk")
		require.ErrorIs(t, err, reason)
	}
}
