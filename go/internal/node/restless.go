package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/core/transport"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/tcpreuse"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/unaiverse/p2p/go/internal/guard"
)

// afresh is how long a dial waits before it begins once more beside itself.
const afresh = time.Second

// restless is a transport whose dials, while nobody answers, begin afresh each second beside the first attempt, which stays. Kernels and QUIC
// repeat an unanswered packet after ever longer pauses, so that a peer that comes back would be noticed seconds later.
type restless struct{ transport.Transport }

func newTCP(upgrader transport.Upgrader, resources network.ResourceManager, shared *tcpreuse.ConnMgr) (restless, error) {
	inner, err := tcp.NewTCPTransport(upgrader, resources, shared)
	return restless{inner}, err
}

func newQUIC(key crypto.PrivKey, sockets *quicreuse.ConnManager, psk pnet.PSK, gater connmgr.ConnectionGater, resources network.ResourceManager) (restless, error) {
	inner, err := libp2pquic.NewTransport(key, sockets, psk, gater, resources)
	return restless{inner}, err
}

// ListenOrder is that of the transport inside.
func (t restless) ListenOrder() int {
	if ordered, ok := t.Transport.(interface{ ListenOrder() int }); ok {
		return ordered.ListenOrder()
	}
	return 0
}

// Dial dials a peer at an address.
func (t restless) Dial(ctx context.Context, addr ma.Multiaddr, p peer.ID) (transport.CapableConn, error) {
	return t.DialWithUpdates(ctx, addr, p, nil)
}

// DialWithUpdates tells besides when somebody has answered, from where on the dial waits.
func (t restless) DialWithUpdates(ctx context.Context, addr ma.Multiaddr, p peer.ID, updates chan<- transport.DialUpdate) (conn transport.CapableConn, err error) {
	err = guard.Call("node: dial", func() (err error) {
		conn, err = t.dial(ctx, addr, p, updates)
		return err
	})
	return conn, err
}

func (t restless) dial(ctx context.Context, addr ma.Multiaddr, p peer.ID, updates chan<- transport.DialUpdate) (transport.CapableConn, error) {
	if simultaneous, _, _ := network.GetSimultaneousConnect(ctx); simultaneous {
		return t.once(ctx, addr, p, updates)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := &attempts{transport: t, addr: addr, p: p, ctx: ctx, outcomes: make(chan outcome), answered: make(chan transport.DialUpdate, 1)}
	a.begin(ctx, true)
	again := time.NewTicker(afresh)
	defer again.Stop()
	for {
		select {
		case o := <-a.outcomes:
			if o.conn != nil || o.first {
				return o.conn, o.err
			}
			again.Reset(afresh)
		case update := <-a.answered:
			again.Stop()
			select {
			case updates <- update:
			default:
			}
		case <-again.C:
			a.beginAgain()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (t restless) once(ctx context.Context, addr ma.Multiaddr, p peer.ID, updates chan<- transport.DialUpdate) (transport.CapableConn, error) {
	if updater, ok := t.Transport.(transport.DialUpdater); ok {
		return updater.DialWithUpdates(ctx, addr, p, updates)
	}
	return t.Transport.Dial(ctx, addr, p)
}

// attempts are those of one dial; ctx ends all of them.
type attempts struct {
	transport restless
	addr      ma.Multiaddr
	p         peer.ID
	ctx       context.Context
	outcomes  chan outcome
	answered  chan transport.DialUpdate
	// stop ends the second of them.
	stop context.CancelFunc
}

// beginAgain puts another attempt in the place of the second.
func (a *attempts) beginAgain() {
	if a.stop != nil {
		a.stop()
	}
	var ctx context.Context
	ctx, a.stop = context.WithCancel(a.ctx)
	a.begin(ctx, false)
}

type outcome struct {
	conn  transport.CapableConn
	err   error
	first bool
}

func (a *attempts) begin(ctx context.Context, first bool) {
	guard.Go("node: dial", func() {
		o := outcome{first: first}
		o.err = guard.Call("node: dial", func() (err error) {
			o.conn, err = a.transport.once(ctx, a.addr, a.p, a.answered)
			return err
		})
		select {
		case a.outcomes <- o:
		case <-a.ctx.Done():
			if o.conn != nil {
				_ = o.conn.Close()
			}
		}
	})
}
