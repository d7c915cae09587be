package signatures

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
)

func keys(t testing.TB) (private crypto.PrivKey, fast, plain crypto.PubKey) {
	t.Helper()
	private, plain, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	data, err := crypto.MarshalPublicKey(plain)
	if err != nil {
		t.Fatal(err)
	}
	fast, err = crypto.UnmarshalPublicKey(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := fast.(publicKey); !ok {
		t.Fatalf("libp2p reads a key as %T", fast)
	}
	return private, fast, plain
}

func TestASignatureIsTakenForWhatGoTakesItFor(t *testing.T) {
	private, fast, plain := keys(t)
	for size := range 200 {
		data := make([]byte, size)
		_, _ = rand.Read(data)
		signature, err := private.Sign(data)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := Faster(private).Sign(data); err != nil || !bytes.Equal(same, signature) {
			t.Fatalf("%d bytes: signed as %x, by Go %x, %v", size, same, signature, err)
		}
		for flip := -1; flip < len(signature); flip += 7 {
			changed := append([]byte(nil), signature...)
			if flip >= 0 {
				changed[flip] ^= 1 << (size % 8)
			}
			want, _ := plain.Verify(data, changed)
			got, err := fast.Verify(data, changed)
			if err != nil || got != want || got != (flip < 0) {
				t.Fatalf("%d bytes, byte %d changed: %v, by Go %v, %v", size, flip, got, want, err)
			}
		}
	}
	if ok, err := fast.Verify([]byte("data"), nil); ok || err != nil {
		t.Error("no signature is valid", err)
	}
}

func TestAKeyIsTheSameAsLibp2psOwn(t *testing.T) {
	_, fast, plain := keys(t)
	if !fast.Equals(plain) || !plain.Equals(fast) || fast.Type() != plain.Type() {
		t.Error("the keys differ")
	}
	data, err := crypto.MarshalPublicKey(fast)
	if err != nil {
		t.Fatal(err)
	}
	again, err := crypto.UnmarshalPublicKey(data)
	if err != nil || !again.Equals(plain) {
		t.Error("the key does not survive being written and read", err)
	}
	if _, err := crypto.PubKeyUnmarshallers[fast.Type()]([]byte{1, 2, 3}); err == nil {
		t.Error("three bytes are a key")
	}
}

func TestAKeyOfAnotherTypeSignsAsBefore(t *testing.T) {
	private, public, err := crypto.GenerateKeyPair(crypto.Secp256k1, 0)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := Faster(private).Sign([]byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := public.Verify([]byte("data"), signature); !ok || err != nil {
		t.Error("its signature is not valid", err)
	}
}

func BenchmarkVerify(b *testing.B) {
	private, fast, plain := keys(b)
	data := make([]byte, 300)
	signature, _ := private.Sign(data)
	for name, key := range map[string]crypto.PubKey{"fast": fast, "plain": plain} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = key.Verify(data, signature)
			}
		})
	}
}
