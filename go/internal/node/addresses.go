package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	madns "github.com/multiformats/go-multiaddr-dns"

	"github.com/unaiverse/p2p/go/internal/guard"
)

const (
	// resolveTimeout bounds the wait for names; whoever has answered until then is dialled.
	resolveTimeout = 5 * time.Second
	// maxResolved and maxRecursion are libp2p's own bounds.
	maxResolved  = 100
	maxRecursion = 4
)

// names resolves the names in addresses, for this package and for libp2p.
var names network.MultiaddrDNSResolver = swarm.ResolverFromMaDNS{Resolver: madns.DefaultResolver}

// failure is why an address was of no use.
type failure struct {
	addr   ma.Multiaddr
	reason error
}

// resolve gives addresses without names, in the form in which libp2p dials them, and says which names stand for nothing.
func resolve(ctx context.Context, s *swarm.Swarm, p peer.ID, addrs []ma.Multiaddr) (resolved []ma.Multiaddr, failures []failure) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	outcomes := make([][]ma.Multiaddr, len(addrs))
	reasons := make([]error, len(addrs))
	var resolving sync.WaitGroup
	for i, addr := range addrs {
		if !named(addr) {
			outcomes[i], reasons[i] = secured(ctx, s, addr)
			continue
		}
		resolving.Add(1)
		guard.Go("node: names", func() {
			defer resolving.Done()
			outcomes[i], reasons[i] = resolveName(ctx, s, p, addr)
		})
	}
	resolving.Wait()
	for i, addr := range addrs {
		resolved = append(resolved, outcomes[i]...)
		if reasons[i] != nil {
			failures = append(failures, failure{addr, reasons[i]})
		}
	}
	return ma.Unique(resolved), failures
}

func resolveName(ctx context.Context, s *swarm.Swarm, p peer.ID, addr ma.Multiaddr) (resolved []ma.Multiaddr, err error) {
	behind := []ma.Multiaddr{addr}
	if addr[0].Protocol().Code == ma.P_DNSADDR {
		if behind, err = names.ResolveDNSAddr(ctx, p, addr.Encapsulate(ma.StringCast("/p2p/"+p.String())), maxRecursion, maxResolved); err != nil {
			return nil, unresolved(addr, err)
		}
		if len(behind) == 0 {
			return nil, fmt.Errorf("DNS has no address of the peer below the name %s", addr[0].Value())
		}
	}
	for _, addr := range behind {
		addr, _ = peer.SplitAddr(addr)
		if len(addr) == 0 {
			continue
		}
		// A certificate is checked against the name, so that is noted before it goes.
		known, failed := secured(ctx, s, addr)
		for _, addr := range known {
			literal := []ma.Multiaddr{addr}
			if named(addr) {
				literal, failed = names.ResolveDNSComponent(ctx, addr, maxResolved)
				if failed == nil && len(literal) == 0 {
					failed = errors.New("no address of that kind")
				}
			}
			resolved = append(resolved, literal...)
		}
		if failed != nil {
			err = unresolved(addr, failed)
		}
	}
	if len(resolved) > 0 {
		err = nil
	}
	return resolved, err
}

func unresolved(addr ma.Multiaddr, err error) error {
	var failed *net.DNSError
	if errors.As(err, &failed) {
		return fmt.Errorf("DNS cannot resolve the name %s: %s", failed.Name, failed.Err)
	}
	return fmt.Errorf("DNS cannot resolve the name %s: %w", addr[0].Value(), err)
}

// secured notes in the address of a secure WebSocket the name that its certificate has to hold for.
func secured(ctx context.Context, s *swarm.Swarm, addr ma.Multiaddr) ([]ma.Multiaddr, error) {
	resolver, ok := s.TransportForDialing(addr).(transport.Resolver)
	if !ok {
		return []ma.Multiaddr{addr}, nil
	}
	return resolver.Resolve(ctx, addr)
}

func named(addr ma.Multiaddr) bool {
	switch addr[0].Protocol().Code {
	case ma.P_DNS, ma.P_DNS4, ma.P_DNS6, ma.P_DNSADDR:
		return true
	}
	return false
}

// byPreference divides addresses as libp2p does: those that it dials, and those that it leaves away because the same port speaks TCP without
// WebSocket, or QUIC without WebTransport.
func byPreference(addrs []ma.Multiaddr) (first, second []ma.Multiaddr) {
	preferred := map[string]bool{}
	for _, addr := range addrs {
		if port, bare := socket(addr); bare {
			preferred[port] = true
		}
	}
	for _, addr := range addrs {
		if port, bare := socket(addr); !bare && preferred[port] {
			second = append(second, addr)
		} else {
			first = append(first, addr)
		}
	}
	return first, second
}

// socket is the host and port in an address, and whether the address wants of them what libp2p prefers there.
func socket(addr ma.Multiaddr) (port string, bare bool) {
	var host, number string
	var wrapped bool
	for _, component := range addr {
		switch component.Protocol().Code {
		case ma.P_IP4, ma.P_IP6:
			host = cmp.Or(host, component.Value())
		case ma.P_TCP:
			number = cmp.Or(number, "tcp "+component.Value())
			bare = true
		case ma.P_UDP:
			number = cmp.Or(number, "udp "+component.Value())
		case ma.P_QUIC_V1:
			bare = true
		case ma.P_WEBTRANSPORT, ma.P_WS, ma.P_WSS:
			wrapped = true
		}
	}
	return host + " " + number, bare && !wrapped
}
