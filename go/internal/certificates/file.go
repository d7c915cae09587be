// Package certificates is where secure WebSockets get theirs: from files that the options name, or automatically for a name under
// libp2p.direct.
package certificates

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
)

// checkInterval is how often, at most, handshakes look whether the files have changed.
const checkInterval = time.Second

// File is a certificate with its key in two files. Whoever renews it replaces the files, and the next handshakes use what is in them.
type File struct {
	domain, certPath, keyPath string
	warn                      func(message string)

	mu       sync.Mutex
	current  *tls.Certificate
	checked  time.Time
	versions [2]version
	// trouble is what was last told of files that could not be used.
	trouble string
}

// version tells one content of a file from the next.
type version struct {
	modified time.Time
	size     int64
}

// OpenFile reads both files.
func OpenFile(domain, certPath, keyPath string, warn func(message string)) (*File, error) {
	f := &File{domain: domain, certPath: certPath, keyPath: keyPath, warn: warn}
	var err error
	if f.versions, err = f.look(); err != nil {
		return nil, err
	}
	if f.current, err = f.read(); err != nil {
		return nil, err
	}
	f.checked = time.Now()
	return f, nil
}

// TLSConfig hands out the certificate as it is at the time of each handshake.
func (f *File) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (certificate *tls.Certificate, err error) {
			err = guard.Call("certificates: handshake", func() error {
				certificate = f.certificate()
				return nil
			})
			return certificate, err
		},
	}
}

// Suffix is what stands behind the port in the address to listen on.
func (f *File) Suffix() string { return "/tls/ws" }

// Advertise names the domain in the place of IP addresses, for which the certificate would not hold.
func (f *File) Advertise(addrs []ma.Multiaddr) []ma.Multiaddr {
	named := make([]ma.Multiaddr, 0, len(addrs))
	for _, addr := range addrs {
		if port, secure := securePort(addr); secure {
			addr = ma.StringCast("/dns4/" + f.domain + "/tcp/" + port + "/tls/ws")
		}
		named = append(named, addr)
	}
	return ma.Unique(named)
}

// securePort is the port of a direct secure WebSocket address.
func securePort(addr ma.Multiaddr) (port string, secure bool) {
	var isTLS, isWebSocket bool
	for _, component := range addr {
		switch component.Protocol().Code {
		case ma.P_TCP:
			port = component.Value()
		case ma.P_TLS:
			isTLS = true
		case ma.P_WS:
			isWebSocket = true
		case ma.P_WSS:
			isTLS, isWebSocket = true, true
		case ma.P_CIRCUIT, ma.P_DNS, ma.P_DNS4, ma.P_DNS6:
			return "", false
		}
	}
	return port, isTLS && isWebSocket
}

// certificate keeps the last good one when the files cannot be used, as while they are being replaced.
func (f *File) certificate() *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.checked) < checkInterval {
		return f.current
	}
	f.checked = time.Now()
	versions, err := f.look()
	if err == nil && versions == f.versions {
		return f.current
	}
	renewed, err := f.read()
	if err != nil {
		if message := boundary.AsError(err).Message; message != f.trouble {
			f.trouble = message
			f.warn("the certificate in use is kept: " + message)
		}
		return f.current
	}
	f.trouble = ""
	f.current, f.versions = renewed, versions
	return f.current
}

func (f *File) look() (versions [2]version, err error) {
	for i, path := range []string{f.certPath, f.keyPath} {
		info, err := os.Stat(path)
		if err != nil {
			return versions, f.unreadable(path, err)
		}
		versions[i] = version{info.ModTime(), info.Size()}
	}
	return versions, nil
}

func (f *File) read() (*tls.Certificate, error) {
	certPEM, err := os.ReadFile(f.certPath)
	if err != nil {
		return nil, f.unreadable(f.certPath, err)
	}
	keyPEM, err := os.ReadFile(f.keyPath)
	if err != nil {
		return nil, f.unreadable(f.keyPath, err)
	}
	certificate, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, boundary.Errorf(boundary.CertificateInvalid, "%s and %s are no PEM certificate with its private key: %w", f.certPath, f.keyPath, err)
	}
	if err := certificate.Leaf.VerifyHostname(f.domain); err != nil {
		return nil, boundary.Errorf(boundary.CertificateInvalid, "the certificate in %s does not hold for domainName %s: %w", f.certPath, f.domain, err)
	}
	if now := time.Now(); now.After(certificate.Leaf.NotAfter) || now.Before(certificate.Leaf.NotBefore) {
		f.warn("the certificate in " + f.certPath + " is not valid now: peers that check it will not connect to secure WebSockets")
	}
	return &certificate, nil
}

func (f *File) unreadable(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return boundary.Errorf(boundary.CertificateInvalid, "there is no file %s: %w", path, err)
	}
	return boundary.Errorf(boundary.CertificateInvalid, "%s cannot be read: %w", path, err)
}
