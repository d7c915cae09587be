package node

import (
	"context"
	"errors"
	"sync"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/unaiverse/p2p/go/internal/guard"
)

// errParting is why a dial fails that was under way, or that somebody begins, while the program disconnects from its peer.
var errParting = errors.New("this node is disconnecting from it")

// gate is the host's connection gater. It holds connections back until JavaScript knows the node that they belong to, and lets nobody dial
// a peer that the program is disconnecting from: what writes to the peer, a library or the router would undo it at once.
type gate struct {
	opened chan struct{}
	once   sync.Once
	// allowed is valid once opened is closed: false when the node ended before anybody knew of it.
	allowed bool

	mu      sync.Mutex
	parting map[peer.ID]*parting
	dials   map[peer.ID]map[*dialling]struct{}
}

// parting is a peer that the program is disconnecting from, by calls of Disconnect that are under way.
type parting struct {
	calls int
	over  chan struct{}
}

// dialling is a dial under way.
type dialling struct{ cancel context.CancelCauseFunc }

func newGate() *gate {
	return &gate{opened: make(chan struct{}), parting: map[peer.ID]*parting{}, dials: map[peer.ID]map[*dialling]struct{}{}}
}

// open lets what was held back go on, or turns it away; only the first call counts.
func (g *gate) open(allowed bool) {
	g.once.Do(func() {
		g.allowed = allowed
		close(g.opened)
	})
}

// part ends the dials of a peer that are under way and admits none until the returned function is called.
func (g *gate) part(p peer.ID) (end func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	current := g.parting[p]
	if current == nil {
		current = &parting{over: make(chan struct{})}
		g.parting[p] = current
	}
	current.calls++
	for dial := range g.dials[p] {
		dial.cancel(errParting)
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if current.calls--; current.calls == 0 {
			delete(g.parting, p)
			close(current.over)
		}
	}
}

// parted returns when the program is not disconnecting from a peer, or ctx ends.
func (g *gate) parted(ctx context.Context, p peer.ID) error {
	g.mu.Lock()
	current := g.parting[p]
	g.mu.Unlock()
	if current == nil {
		return nil
	}
	select {
	case <-current.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enter gives a dial the context that ends when the program disconnects from the peer.
func (g *gate) enter(ctx context.Context, p peer.ID) (_ context.Context, leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	dial := &dialling{cancel}
	if g.dials[p] == nil {
		g.dials[p] = map[*dialling]struct{}{}
	}
	g.dials[p][dial] = struct{}{}
	return ctx, func() {
		cancel(nil)
		g.mu.Lock()
		defer g.mu.Unlock()
		if delete(g.dials[p], dial); len(g.dials[p]) == 0 {
			delete(g.dials, p)
		}
	}
}

func (g *gate) isParting(p peer.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.parting[p] != nil
}

// InterceptPeerDial is asked before anybody in this process dials a peer.
func (g *gate) InterceptPeerDial(p peer.ID) (allow bool) {
	guard.Do("node: gate", func() { allow = !g.isParting(p) })
	return allow
}

// InterceptUpgraded is called before a connection is announced or any stream on it is accepted.
func (g *gate) InterceptUpgraded(conn network.Conn) (allow bool, reason control.DisconnectReason) {
	guard.Do("node: gate", func() {
		<-g.opened
		allow = g.allowed && (conn.Stat().Direction == network.DirInbound || !g.isParting(conn.RemotePeer()))
	})
	return allow, 0
}

func (g *gate) InterceptAddrDial(peer.ID, ma.Multiaddr) bool { return true }

func (g *gate) InterceptAccept(network.ConnMultiaddrs) bool { return true }

func (g *gate) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool { return true }
