// What of an identity folder differs between systems: its lock, the modes of files, and making a rename last. This is Windows, where a folder
// cannot be locked or synced, and access lists take the place of modes.

package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

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

// reads are the rights of which each lets a file be read.
const reads = windows.FILE_READ_DATA | windows.GENERIC_READ | windows.GENERIC_ALL

// exposed says who beside the user can read a file, and what ends that; nothing when nobody can. The system and administrators are not counted:
// they can take any file.
func exposed(file *os.File, _ fs.FileInfo) (how, remedy string, err error) {
	others, err := readers(file)
	if err != nil || len(others) == 0 {
		return "", "", err
	}
	remedy = fmt.Sprintf(`icacls "%s" /inheritance:r /grant:r "%%USERNAME%%:F"`, file.Name())
	return strings.Join(others, ", "), remedy, nil
}

// readers are those beside the user whom the access list of a file lets read it. Entries that hold on a condition are passed over.
func readers(file *os.File) (names []string, err error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, err
	}
	descriptor, err := windows.GetSecurityInfo(windows.Handle(file.Fd()), windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return nil, err
	}
	list, _, err := descriptor.DACL()
	if errors.Is(err, windows.ERROR_OBJECT_NOT_FOUND) || err == nil && list == nil {
		return []string{"it has no access list"}, nil
	}
	if err != nil {
		return nil, err
	}
	for i := range uint32(list.AceCount) {
		var entry *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &entry); err != nil {
			return nil, err
		}
		inherited := entry.Header.AceFlags&windows.INHERIT_ONLY_ACE != 0
		if entry.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || inherited || entry.Mask&reads == 0 {
			continue
		}
		who := (*windows.SID)(unsafe.Pointer(&entry.SidStart))
		if !who.Equals(user.User.Sid) && !who.IsWellKnown(windows.WinLocalSystemSid) && !who.IsWellKnown(windows.WinBuiltinAdministratorsSid) {
			names = append(names, nameOf(who))
		}
	}
	return names, nil
}

func nameOf(who *windows.SID) string {
	account, domain, _, err := who.LookupAccount("")
	switch {
	case err != nil:
		return who.String()
	case domain == "":
		return account
	}
	return domain + `\` + account
}

// createPrivate makes a file that only the user can read, from its first moment: else it has what its folder gives to all in it.
func createPrivate(path string) (*os.File, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, err
	}
	descriptor, err := windows.SecurityDescriptorFromString(fmt.Sprintf("D:P(A;;FA;;;%s)", user.User.Sid))
	if err != nil {
		return nil, err
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	security := &windows.SecurityAttributes{SecurityDescriptor: descriptor}
	security.Length = uint32(unsafe.Sizeof(*security))
	handle, err := windows.CreateFile(name, windows.GENERIC_READ|windows.GENERIC_WRITE, windows.FILE_SHARE_READ, security, windows.CREATE_NEW,
		windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &os.PathError{Op: "create", Path: path, Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}

func syncFolder(string) error { return nil }
