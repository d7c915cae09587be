package certificates

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

const domain = "node.example.org"

type files struct{ cert, key string }

func newFiles(t *testing.T) files {
	folder := t.TempDir()
	return files{filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")}
}

// write makes a certificate with a serial number of its own.
func (f files) write(t *testing.T, serial int64, name string, until time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(f.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(f.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
}

func tomorrow() time.Time { return time.Now().Add(24 * time.Hour) }

func (f files) open(t *testing.T) (*File, *[]string) {
	t.Helper()
	warnings := &[]string{}
	opened, err := OpenFile(domain, f.cert, f.key, func(message string) { *warnings = append(*warnings, message) })
	require.NoError(t, err)
	return opened, warnings
}

// serial is that of the certificate that a handshake gets, after so long a time that it looks at the files.
func serial(t *testing.T, f *File) int64 {
	t.Helper()
	f.mu.Lock()
	f.checked = time.Time{}
	f.mu.Unlock()
	certificate, err := f.TLSConfig().GetCertificate(nil)
	require.NoError(t, err)
	return certificate.Leaf.SerialNumber.Int64()
}

func TestACertificateIsReadAgainWhenItsFilesChange(t *testing.T) {
	paths := newFiles(t)
	paths.write(t, 1, domain, tomorrow())
	f, warnings := paths.open(t)
	require.Equal(t, int64(1), serial(t, f))
	paths.write(t, 2, domain, tomorrow())
	require.Equal(t, int64(2), serial(t, f))
	require.Empty(t, *warnings)
}

func TestTheLastGoodCertificateIsKeptWhileTheFilesCannotBeUsed(t *testing.T) {
	paths := newFiles(t)
	paths.write(t, 1, domain, tomorrow())
	f, warnings := paths.open(t)
	other := newFiles(t)
	other.write(t, 2, domain, tomorrow())
	half, err := os.ReadFile(other.cert)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(paths.cert, half, 0o600))
	require.Equal(t, int64(1), serial(t, f))
	require.Equal(t, int64(1), serial(t, f))
	require.Len(t, *warnings, 1, "the same trouble is told once")
	require.NoError(t, os.Remove(paths.key))
	require.Equal(t, int64(1), serial(t, f))
	require.Len(t, *warnings, 2)
	paths.write(t, 3, domain, tomorrow())
	require.Equal(t, int64(3), serial(t, f))
}

func TestHandshakesDoNotLookAtTheFilesAllTheTime(t *testing.T) {
	paths := newFiles(t)
	paths.write(t, 1, domain, tomorrow())
	f, _ := paths.open(t)
	paths.write(t, 2, domain, tomorrow())
	certificate, err := f.TLSConfig().GetCertificate(nil)
	require.NoError(t, err)
	require.Equal(t, int64(1), certificate.Leaf.SerialNumber.Int64())
}

func TestACertificateThatCannotBeUsedIsToldWithItsReason(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, files){
		"there is no file": func(*testing.T, files) {},
		"no PEM certificate": func(t *testing.T, f files) {
			f.write(t, 1, domain, tomorrow())
			require.NoError(t, os.WriteFile(f.cert, []byte("nonsense"), 0o600))
		},
		"with its private key": func(t *testing.T, f files) {
			f.write(t, 1, domain, tomorrow())
			other := newFiles(t)
			other.write(t, 2, domain, tomorrow())
			key, err := os.ReadFile(other.key)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(f.key, key, 0o600))
		},
		"does not hold for domainName": func(t *testing.T, f files) { f.write(t, 1, "other.example.org", tomorrow()) },
	} {
		paths := newFiles(t)
		prepare(t, paths)
		_, err := OpenFile(domain, paths.cert, paths.key, func(string) {})
		require.ErrorContains(t, err, name)
		require.Equal(t, boundary.CertificateInvalid, boundary.AsError(err).Code)
	}
}

func TestAnExpiredCertificateIsUsedWithAWarning(t *testing.T) {
	paths := newFiles(t)
	paths.write(t, 1, domain, time.Now().Add(-time.Hour))
	_, warnings := paths.open(t)
	require.Len(t, *warnings, 1)
}

func TestSecureWebSocketsAreAdvertisedUnderTheDomain(t *testing.T) {
	f := &File{domain: domain}
	var addrs []ma.Multiaddr
	for _, text := range []string{
		"/ip4/192.0.2.1/tcp/4001", "/ip4/192.0.2.1/tcp/4001/tls/ws", "/ip6/2001:db8::1/tcp/4001/tls/ws", "/ip4/192.0.2.1/udp/4002/quic-v1",
		"/ip4/192.0.2.9/tcp/1/tls/ws/p2p/12D3KooWEXse6zf6g6rsFckJqXA6SWWrENNB3oN8tG5qPEPWV5do/p2p-circuit",
	} {
		addrs = append(addrs, ma.StringCast(text))
	}
	named := f.Advertise(addrs)
	var texts []string
	for _, addr := range named {
		texts = append(texts, addr.String())
	}
	require.ElementsMatch(t, []string{
		"/ip4/192.0.2.1/tcp/4001", "/dns4/node.example.org/tcp/4001/tls/ws", "/ip4/192.0.2.1/udp/4002/quic-v1", addrs[4].String(),
	}, texts)
}

func TestAPanicInAHandshakeFailsThatHandshakeAlone(t *testing.T) {
	paths := newFiles(t)
	paths.write(t, 1, domain, tomorrow())
	f, err := OpenFile(domain, paths.cert, paths.key, func(string) { panic("on purpose") })
	require.NoError(t, err)
	f.checked = time.Time{}
	require.NoError(t, os.Remove(paths.key))
	_, err = f.TLSConfig().GetCertificate(nil)
	require.ErrorContains(t, err, "panic")
	_, err = f.TLSConfig().GetCertificate(nil)
	require.NoError(t, err)
}
