package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/libp2p/go-libp2p/core/host"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// windowsAddressInUse is WSAEADDRINUSE, which syscall.EADDRINUSE does not stand for.
const windowsAddressInUse = syscall.Errno(10048)

// layout is where a transport listens: the offset of its port from the base port, and its multiaddr behind the IP address.
var layout = []struct {
	transport, network string
	offset             int
	suffix             string
}{
	{"tcp", "tcp", 0, "/tcp/%d"},
	{"quic", "udp", 1, "/udp/%d/quic-v1"},
	{"webtransport", "udp", 2, "/udp/%d/quic-v1/webtransport"},
	{"webrtc-direct", "udp", 3, "/udp/%d/webrtc-direct"},
	{"ws", "tcp", 0, "/tcp/%d/ws"},
}

type listenAddr struct {
	addr ma.Multiaddr
	// network and hostPort are what the operating system sees of it.
	network, hostPort string
}

func listenAddrs(o *Options, secure certificate) ([]listenAddr, error) {
	ips := o.IPs
	if len(ips) == 0 {
		ips = []string{"0.0.0.0"}
	}
	var addrs []listenAddr
	seen := map[string]bool{}
	for _, literal := range ips {
		ip := net.ParseIP(literal)
		if ip == nil {
			return nil, boundary.Errorf(boundary.AddressInvalid, "%q is not an IP address to listen on", literal)
		}
		version := "6"
		if ip.To4() != nil {
			version = "4"
		}
		for _, l := range layout {
			if !o.uses(l.transport) {
				continue
			}
			port := o.Port
			if port != 0 {
				port += l.offset
			}
			suffix := l.suffix
			if l.transport == "ws" && secure != nil {
				suffix = "/tcp/%d" + secure.Suffix()
			}
			text := fmt.Sprintf("/ip%s/%s"+suffix, version, ip, port)
			addr, err := ma.NewMultiaddr(text)
			if err != nil {
				return nil, boundary.Errorf(boundary.AddressInvalid, "cannot listen on %s: %w", text, err)
			}
			if !seen[text] {
				seen[text] = true
				addrs = append(addrs, listenAddr{addr, l.network + version, net.JoinHostPort(ip.String(), strconv.Itoa(port))})
			}
		}
	}
	return addrs, nil
}

// listening serialises looking whether ports are free and taking them.
var listening sync.Mutex

// listen takes all addresses or fails. libp2p alone would succeed with one of them; and its TCP listeners share a taken port (SO_REUSEPORT),
// so that two nodes get each other's connections.
func listen(ctx context.Context, h host.Host, o *Options, secure certificate) error {
	addrs, err := listenAddrs(o, secure)
	if err != nil {
		return err
	}
	listening.Lock()
	defer listening.Unlock()
	if o.Port != 0 {
		for _, a := range addrs {
			if err := a.probe(); err != nil {
				return a.failed(err)
			}
		}
	}
	for _, a := range addrs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := h.Network().Listen(a.addr); err != nil {
			return a.failed(err)
		}
	}
	return nil
}

// probe takes the port exclusively and gives it back.
func (a listenAddr) probe() error {
	if strings.HasPrefix(a.network, "udp") {
		conn, err := net.ListenPacket(a.network, a.hostPort)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	listener, err := net.Listen(a.network, a.hostPort)
	if err != nil {
		return err
	}
	return listener.Close()
}

func (a listenAddr) failed(err error) *boundary.Error {
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, windowsAddressInUse) || strings.Contains(err.Error(), "address already in use") {
		return boundary.Errorf(boundary.AddressInUse, "%s is taken by another node or program: %w", a.addr, err)
	}
	return boundary.Errorf(boundary.ListenFailed, "cannot listen on %s: %w", a.addr, err)
}
