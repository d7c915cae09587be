package autotls

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"context"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/ipshipyard/p2p-forge/plugins"
	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
	"github.com/unaiverse/p2p/go/internal/certificates"
	"github.com/unaiverse/p2p/go/internal/node"
)

const (
	domain       = "forge.test"
	registration = "registration.forge.test"
	// zone is what the domain itself answers with; the forge looks for it in the working directory.
	zone = "$ORIGIN forge.test.\n@ 3600 IN SOA localhost. nobody.localhost. 1 7200 3600 1209600 3600\n@ 3600 IN NS localhost.\n"
)

func init() { dnsserver.Directives = []string{"bind", "errors", "ipparser", "acme"} }

// corefile is the configuration of a DNS server.
type corefile string

func (c corefile) Body() []byte     { return []byte(c) }
func (corefile) Path() string       { return "Corefile" }
func (corefile) ServerType() string { return "dns" }

// forge is p2p-forge's server: it answers for the domain, and takes the proofs of its peers.
type forge struct{ dnsUDP, dnsTCP, http string }

func startForge(t *testing.T) forge {
	t.Helper()
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("zones", 0o700))
	require.NoError(t, os.WriteFile(filepath.Join("zones", domain), []byte(zone), 0o600))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	instance, err := caddy.Start(corefile(fmt.Sprintf(`.:0 {
		bind 127.0.0.1
		errors
		ipparser %s
		acme %s {
			registration-domain %s listen-address=%s external-tls=true
			database-type badger %s
		}
	}`, domain, domain, registration, address, t.TempDir())))
	require.NoError(t, err)
	t.Cleanup(func() {
		for _, err := range instance.ShutdownCallbacks() {
			t.Log(err)
		}
		require.NoError(t, instance.Stop())
		instance.Wait()
	})
	server := instance.Servers()[0]
	return forge{server.LocalAddr().String(), server.Addr().String(), "http://" + address}
}

// startCA starts Pebble, which checks what the forge publishes.
func startCA(t *testing.T, dns string) (authority *ca.CAImpl, server *httptest.Server) {
	t.Helper()
	logger := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	authority = ca.New(logger, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "test"}})
	frontEnd := wfe.New(logger, store, va.New(logger, 0, 0, false, dns, store), authority, nil, false, false, 3, 5)
	server = httptest.NewTLSServer(frontEnd.Handler())
	t.Cleanup(server.Close)
	return authority, server
}

func create(t *testing.T, identityDir string) (*node.Node, *porttest.Port) {
	t.Helper()
	port := porttest.New()
	n, err := node.New(t.Context(), port, &node.Options{
		IdentityDir: identityDir, IPs: []string{"127.0.0.1"}, Transports: []string{"tcp", "ws"}, EnableTLS: true, Agent: "test/1",
	}, 1<<20)
	require.NoError(t, err)
	t.Cleanup(func() { n.Close(0) })
	for _, addr := range n.Created().Addresses {
		require.NotContains(t, addr, "*")
	}
	n.Start()
	return n, port
}

// secureAddress waits until the node has its certificate, and advertises an address with it.
func secureAddress(t *testing.T, port *porttest.Port) string {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		changed := port.Changed()
		for _, event := range port.Events("addresses") {
			for _, addr := range event["addresses"].([]any) {
				if strings.Contains(addr.(string), "/tls/sni/127-0-0-1.") {
					return addr.(string)
				}
			}
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatal("no secure address", port.Events("warning"), port.Events("addresses"))
		}
	}
}

func connect(t *testing.T, address string, roots *x509.CertPool) error {
	t.Helper()
	info, err := peer.AddrInfoFromString(address)
	require.NoError(t, err)
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics(),
		libp2p.Transport(websocket.New, websocket.WithTLSClientConfig(&tls.Config{RootCAs: roots})))
	require.NoError(t, err)
	defer h.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return h.Connect(ctx, *info)
}

func TestANodeGetsACertificateForItsNameAndKeepsIt(t *testing.T) {
	t.Setenv("FORGE_ACCESS_TOKEN", "token")
	forge := startForge(t)
	authority, server := startCA(t, forge.dnsTCP)
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	public := node.CertificateServices
	t.Cleanup(func() { node.CertificateServices = public })
	node.CertificateServices = certificates.Services{
		Domain: domain, Registration: forge.http, CA: server.URL + wfe.DirectoryPath, Roots: trusted, AllowPrivate: true,
		Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "udp", forge.dnsUDP)
		}},
		Modify: func(request *http.Request) error {
			request.Host = registration
			request.Header.Set("Forge-Authorization", "token")
			return nil
		},
	}
	identityDir := t.TempDir()
	n, port := create(t, identityDir)
	address := secureAddress(t, port)
	roots := x509.NewCertPool()
	roots.AddCert(authority.GetRootCert(0).Cert)
	require.NoError(t, connect(t, address, roots))
	require.Error(t, connect(t, address, x509.NewCertPool()), "only who trusts the authority connects")
	n.Close(0)

	// The authority is gone; what the node has kept is enough.
	server.Close()
	_, port = create(t, identityDir)
	require.NoError(t, connect(t, secureAddress(t, port), roots))
	require.False(t, slices.ContainsFunc(port.Events("warning"), func(map[string]any) bool { return true }), port.Events("warning"))
}
