package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/ipshipyard/p2p-forge/client"
	"github.com/libp2p/go-libp2p/core/host"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
)

// folder is that of the certificates within the identity folder; the Python node has the same.
const folder = "p2p-forge-certs"

// registrationDelay keeps nodes that live for a moment from asking for a certificate.
const registrationDelay = 10 * time.Second

// Services are those that a certificate takes; tests have their own.
type Services struct {
	// Domain is the one below which each peer has a name, Registration where a peer asks for its own.
	Domain, Registration string
	// CA is the directory of the certificate authority.
	CA string
	// The rest is for tests: whom to trust as the CA's server, who resolves names, how requests are made, and whether a node that nobody can
	// reach gets a certificate.
	Roots        *x509.CertPool
	Resolver     *net.Resolver
	Modify       func(*http.Request) error
	AllowPrivate bool
}

// Public are the services of libp2p.direct and Let's Encrypt.
var Public = Services{Domain: client.DefaultForgeDomain, Registration: client.DefaultForgeEndpoint, CA: client.DefaultCAEndpoint}

// Automatic is a certificate that p2p-forge gets, keeps and renews, once others can reach the node.
type Automatic struct {
	manager *client.P2PForgeCertMgr
	domain  string
}

// NewAutomatic makes it; nobody is contacted before Start. loaded is called when there is a certificate.
func NewAutomatic(identityDir, agent string, services Services, loaded func()) (*Automatic, error) {
	options := []client.P2PForgeCertMgrOptions{
		client.WithForgeDomain(services.Domain),
		client.WithForgeRegistrationEndpoint(services.Registration),
		client.WithCAEndpoint(services.CA),
		client.WithCertificateStorage(&certmagic.FileStorage{Path: filepath.Join(identityDir, folder)}),
		client.WithUserAgent(agent),
		client.WithOnCertLoaded(func() { guard.Do("certificates: loaded", loaded) }),
	}
	if services.Roots != nil {
		options = append(options, client.WithTrustedRoots(services.Roots))
	}
	if services.Resolver != nil {
		options = append(options, client.WithResolver(services.Resolver))
	}
	if services.Modify != nil {
		options = append(options, client.WithModifiedForgeRequest(services.Modify))
	}
	if services.AllowPrivate {
		options = append(options, client.WithAllowPrivateForgeAddrs())
	} else {
		options = append(options, client.WithRegistrationDelay(registrationDelay))
	}
	manager, err := client.NewP2PForgeCertMgr(options...)
	if err != nil {
		return nil, boundary.Errorf(boundary.Internal, "automatic certificates: %w", err)
	}
	return &Automatic{manager, services.Domain}, nil
}

// Start begins to look after the host's certificate.
func (a *Automatic) Start(h host.Host) error {
	a.manager.ProvideHost(h)
	return a.manager.Start()
}

// Stop ends that.
func (a *Automatic) Stop() { a.manager.Stop() }

// TLSConfig hands out the certificate once there is one.
func (a *Automatic) TLSConfig() *tls.Config { return a.manager.TLSConfig() }

// Suffix is what stands behind the port in the address to listen on.
func (a *Automatic) Suffix() string { return "/tls/sni/*." + a.domain + "/ws" }

// Advertise names the node's own name below the domain, or leaves the address out as long as there is no certificate.
func (a *Automatic) Advertise(addrs []ma.Multiaddr) []ma.Multiaddr {
	return a.manager.AddressFactory()(addrs)
}
