// Package signatures makes and checks Ed25519 signatures in half the time that Go's own library takes. Each message of a topic is signed, and
// checked by every node that it passes: that is most of what a topic costs. What is valid stays what Go's own library takes for valid.
package signatures

import (
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/crypto/pb"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519/extra/cache"
)

// knownKeys is how many keys are kept in the form that checking wants, about 1.5 KiB each.
const knownKeys = 256

var (
	asGo     = &ed25519.Options{Verify: ed25519.VerifyOptionsStdLib}
	verifier = cache.NewVerifier(cache.NewLRUCache(knownKeys))
)

// libp2p reads public keys through this table, those of message authors included.
func init() { crypto.PubKeyUnmarshallers[pb.KeyType_Ed25519] = unmarshal }

func unmarshal(data []byte) (crypto.PubKey, error) {
	key, err := crypto.UnmarshalEd25519PublicKey(data)
	if err != nil {
		return nil, err
	}
	raw, err := key.Raw()
	if err != nil {
		return nil, err
	}
	return publicKey{PubKey: key, raw: raw}, nil
}

// publicKey is libp2p's own, but for Verify.
type publicKey struct {
	crypto.PubKey
	raw []byte
}

// Verify says whether a signature of data was made with this key.
func (k publicKey) Verify(data, signature []byte) (bool, error) {
	return verifier.VerifyWithOptions(k.raw, data, signature, asGo), nil
}

// Faster returns a key that signs like the given one, which may be of any type.
func Faster(key crypto.PrivKey) crypto.PrivKey {
	raw, err := key.Raw()
	if err != nil || key.Type() != pb.KeyType_Ed25519 || len(raw) != ed25519.PrivateKeySize {
		return key
	}
	return privateKey{PrivKey: key, raw: raw}
}

// privateKey is libp2p's own, but for Sign.
type privateKey struct {
	crypto.PrivKey
	raw []byte
}

// Sign signs data.
func (k privateKey) Sign(data []byte) ([]byte, error) {
	return ed25519.Sign(k.raw, data), nil
}
