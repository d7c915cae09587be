// Package identity keeps a node's private key in its identity folder: identity.key, a libp2p protobuf PrivateKey as the Python node has it. A
// folder belongs to one live node at a time, and a key file is written once, whole, or not at all.
package identity

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

const (
	fileName = "identity.key"
	// lockName is locked where the folder itself cannot be.
	lockName = "identity.lock"
	// maxKeySize is beyond any key; a larger file is something else.
	maxKeySize = 64 << 10
)

// errNoLocks: without a lock two nodes could have one identity, and lose each other's messages.
var errNoLocks = errors.New("its file system has no locks, by which one node alone uses it: choose an identityDir on a local disk")

// Identity is a private key and the hold on its folder.
type Identity struct {
	Key  crypto.PrivKey
	lock *os.File
}

// Open takes the folder for this node, creating it when absent, and reads its key or makes an Ed25519 one. An existing key file is never
// changed, whatever is wrong with it.
func Open(folder string) (*Identity, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, unreadable(err, folder)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, unreadable(err, folder)
	}
	lock, err := lockFolder(folder)
	if errors.Is(err, errLocked) {
		return nil, boundary.Errorf(boundary.IdentityInUse,
			"%s belongs to another node that is running; give each node its own identityDir", folder)
	}
	if err != nil {
		return nil, unreadable(err, folder)
	}
	key, err := read(filepath.Join(folder, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		key, err = create(folder)
	}
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	return &Identity{Key: key, lock: lock}, nil
}

// Close gives the folder free.
func (i *Identity) Close() { _ = i.lock.Close() }

func read(path string) (crypto.PrivKey, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, unreadable(err, path)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, unreadable(err, path)
	}
	if !info.Mode().IsRegular() {
		return nil, unreadable(errors.New("not a regular file"), path)
	}
	how, remedy, err := exposed(file, info)
	if err != nil {
		return nil, unreadable(err, path)
	}
	if how != "" {
		return nil, boundary.Errorf(boundary.IdentityExposed, "%s can be read by others (%s); run: %s", path, how, remedy)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxKeySize))
	if err != nil {
		return nil, unreadable(err, path)
	}
	if len(data) == 0 {
		return nil, boundary.Errorf(boundary.IdentityCorrupt,
			"%s is empty; restore it from a backup, or remove it to let a new identity be made", path)
	}
	key, err := crypto.UnmarshalPrivateKey(data)
	if err != nil {
		return nil, boundary.Errorf(boundary.IdentityCorrupt,
			"%s holds no libp2p private key (%w); restore it from a backup, or remove it to let a new identity be made", path, err)
	}
	return key, nil
}

func create(folder string) (crypto.PrivKey, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, boundary.Errorf(boundary.Internal, "no key could be made: %w", err)
	}
	data, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return nil, boundary.Errorf(boundary.Internal, "no key could be made: %w", err)
	}
	if err := writeWhole(folder, data); err != nil {
		return nil, unreadable(err, filepath.Join(folder, fileName))
	}
	return key, nil
}

// writeWhole leaves either no key file or a complete one, even when power fails in between.
func writeWhole(folder string, data []byte) (err error) {
	temporary, err := createPrivate(filepath.Join(folder, fileName+"."+rand.Text()+".tmp"))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary.Name())
		}
	}()
	_, err = temporary.Write(data)
	if err == nil {
		err = temporary.Sync()
	}
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err = os.Rename(temporary.Name(), filepath.Join(folder, fileName)); err != nil {
		return err
	}
	return syncFolder(folder)
}

func unreadable(err error, path string) *boundary.Error {
	return boundary.Errorf(boundary.IdentityUnreadable, "the identity in %s cannot be used: %w", path, err)
}
