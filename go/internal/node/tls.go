package node

import (
	"crypto/tls"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/certificates"
)

// CertificateServices are those of automatic certificates; the test of package autotls puts its own in their place.
var CertificateServices = certificates.Public

// certificate is what a node shows on secure WebSockets.
type certificate interface {
	TLSConfig() *tls.Config
	// Suffix is what stands behind the port in the address to listen on.
	Suffix() string
	Advertise([]ma.Multiaddr) []ma.Multiaddr
}

// openCertificate finds the certificate that the options ask for; nil when they do not, and WebSockets are plain. One's own comes first.
func (n *Node) openCertificate() error {
	o := n.options
	switch {
	case o.DomainName != nil && o.TLSCertPath != nil && o.TLSKeyPath != nil:
		own, err := certificates.OpenFile(*o.DomainName, *o.TLSCertPath, *o.TLSKeyPath, func(message string) {
			n.Warn(boundary.CertificateInvalid, message)
		})
		if err != nil {
			return err
		}
		n.certificate = own
	case o.EnableTLS:
		automatic, err := certificates.NewAutomatic(o.IdentityDir, o.Agent, CertificateServices, func() { n.watcher.changedAddresses() })
		if err != nil {
			return err
		}
		n.automatic, n.certificate = automatic, automatic
	}
	if n.certificate != nil {
		n.advertised.add(n.certificate.Advertise)
	}
	return nil
}
