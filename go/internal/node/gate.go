package node

import (
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// gate is the host's connection gater. It holds connections back until JavaScript knows the node that they belong to, and keeps a dial to the
// addresses that were given for it: libp2p alone tries every address that it has ever heard of.
type gate struct {
	opened chan struct{}
	once   sync.Once
	// allowed is valid once opened is closed: false when the node ended before anybody knew of it.
	allowed bool

	mu   sync.Mutex
	only map[peer.ID][]*[]ma.Multiaddr
}

func newGate() *gate {
	return &gate{opened: make(chan struct{}), only: map[peer.ID][]*[]ma.Multiaddr{}}
}

// open lets what was held back go on, or turns it away; only the first call counts.
func (g *gate) open(allowed bool) {
	g.once.Do(func() {
		g.allowed = allowed
		close(g.opened)
	})
}

// restrict keeps dials to a peer to some addresses until lift is called. Names, and addresses that a transport rewrites, cannot be told
// from what they resolve to; with one of them the dial is free.
func (g *gate) restrict(p peer.ID, addrs []ma.Multiaddr) (lift func()) {
	if len(addrs) == 0 || slices.ContainsFunc(addrs, rewritten) {
		return func() {}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	set := &addrs
	g.only[p] = append(g.only[p], set)
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.only[p] = slices.DeleteFunc(g.only[p], func(other *[]ma.Multiaddr) bool { return other == set })
		if len(g.only[p]) == 0 {
			delete(g.only, p)
		}
	}
}

func rewritten(addr ma.Multiaddr) bool {
	return slices.ContainsFunc(addr, func(c ma.Component) bool {
		switch c.Protocol().Code {
		case ma.P_DNS, ma.P_DNS4, ma.P_DNS6, ma.P_DNSADDR, ma.P_TLS, ma.P_WSS:
			return true
		}
		return false
	})
}

func (g *gate) InterceptAddrDial(p peer.ID, addr ma.Multiaddr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	sets := g.only[p]
	return len(sets) == 0 || slices.ContainsFunc(sets, func(set *[]ma.Multiaddr) bool { return slices.ContainsFunc(*set, addr.Equal) })
}

// InterceptUpgraded is called before a connection is announced or any stream on it is accepted.
func (g *gate) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) {
	<-g.opened
	return g.allowed, 0
}

func (g *gate) InterceptPeerDial(peer.ID) bool { return true }

func (g *gate) InterceptAccept(network.ConnMultiaddrs) bool { return true }

func (g *gate) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool { return true }
