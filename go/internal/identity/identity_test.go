package identity

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

func codeOf(t *testing.T, err error) boundary.Code {
	t.Helper()
	require.Error(t, err)
	return boundary.AsError(err).Code
}

func keyFile(t *testing.T, data []byte, mode os.FileMode) (folder, path string) {
	t.Helper()
	folder = t.TempDir()
	path = filepath.Join(folder, fileName)
	file, err := createPrivate(path)
	require.NoError(t, err)
	_, err = file.Write(data)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	require.NoError(t, os.Chmod(path, mode))
	return folder, path
}

func TestANewFolderGetsAKeyThatComesBackTheSame(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "alice")
	first, err := Open(folder)
	require.NoError(t, err)
	first.Close()
	info, err := os.Stat(filepath.Join(folder, fileName))
	require.NoError(t, err)
	require.EqualValues(t, 68, info.Size(), "an Ed25519 key in the form that the Python node writes")

	second, err := Open(folder)
	require.NoError(t, err)
	defer second.Close()
	require.True(t, first.Key.Equals(second.Key))
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, entry := range entries {
		require.NotContains(t, entry.Name(), ".tmp", "no temporary file stays")
	}
}

func TestAKeyOfAnyTypeAndAReadOnlyOneAreTaken(t *testing.T) {
	key, _, err := crypto.GenerateSecp256k1Key(rand.Reader)
	require.NoError(t, err)
	data, err := crypto.MarshalPrivateKey(key)
	require.NoError(t, err)
	folder, _ := keyFile(t, data, 0o400)
	opened, err := Open(folder)
	require.NoError(t, err)
	defer opened.Close()
	require.True(t, key.Equals(opened.Key))
}

func TestAFolderInUseByALiveNodeIsRefusedAndFreeAfterwards(t *testing.T) {
	folder := t.TempDir()
	first, err := Open(folder)
	require.NoError(t, err)
	_, err = Open(folder)
	require.Equal(t, boundary.IdentityInUse, codeOf(t, err))
	first.Close()
	again, err := Open(folder)
	require.NoError(t, err)
	again.Close()
}

func TestABrokenKeyIsRefusedAndLeftUntouched(t *testing.T) {
	for name, data := range map[string][]byte{"empty": {}, "noise": []byte("not a key"), "cut": {8, 1, 18, 64, 1, 2, 3}} {
		t.Run(name, func(t *testing.T) {
			folder, path := keyFile(t, data, 0o600)
			_, err := Open(folder)
			require.Equal(t, boundary.IdentityCorrupt, codeOf(t, err))
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, len(data), len(after))
			_, err = Open(folder)
			require.Equal(t, boundary.IdentityCorrupt, codeOf(t, err), "a failed open does not keep the lock")
		})
	}
}

func TestAStaleTemporaryFileOfACrashDoesNoHarm(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, fileName+".123.tmp"), []byte{8, 1}, 0o600))
	opened, err := Open(folder)
	require.NoError(t, err)
	opened.Close()
}

func TestAFolderThatCannotBeMadeOrAKeyThatIsNoFileIsUnreadable(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	_, err := Open(filepath.Join(blocked, "below"))
	require.Equal(t, boundary.IdentityUnreadable, codeOf(t, err))

	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, fileName), 0o700))
	_, err = Open(folder)
	require.Equal(t, boundary.IdentityUnreadable, codeOf(t, err))
}
