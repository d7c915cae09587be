package identity

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// allow gives a file an access list that is written in SDDL.
func allow(t *testing.T, path, sddl string) {
	t.Helper()
	descriptor, err := windows.SecurityDescriptorFromString(sddl)
	require.NoError(t, err)
	list, _, err := descriptor.DACL()
	require.NoError(t, err)
	const what = windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION
	require.NoError(t, windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, what, nil, nil, list, nil))
}

func TestANewKeyIsTheUsersAlone(t *testing.T) {
	folder := t.TempDir()
	opened, err := Open(folder)
	require.NoError(t, err)
	opened.Close()
	file, err := os.Open(filepath.Join(folder, fileName))
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	others, err := readers(file)
	require.NoError(t, err)
	require.Empty(t, others)
}

func TestAKeyReadableByOthersIsRefusedWithTheRemedy(t *testing.T) {
	folder, path := keyFile(t, []byte("whatever"), 0o600)
	allow(t, path, "D:P(A;;FA;;;OW)(A;;FR;;;WD)")
	_, err := Open(folder)
	require.Equal(t, boundary.IdentityExposed, codeOf(t, err))
	require.ErrorContains(t, err, "can be read by others (")
	require.ErrorContains(t, err, `icacls "`+path+`" /inheritance:r`)
}
