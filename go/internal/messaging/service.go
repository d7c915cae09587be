// Package messaging moves direct messages: the frames of /unaiverse/chat/1.0.0 between outlets and inlets of the boundary and libp2p streams.
// It never copies a payload: what JavaScript queued is written as it lies, and what a stream brings is read into memory that JavaScript drains.
package messaging

import (
	"context"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/transports"
)

// Protocol is the protocol id of direct messages; a UNaIVERSE node recognises another one by it.
const Protocol protocol.ID = "/unaiverse/chat/1.0.0"

// Events is told what JavaScript has to know besides the messages. Its methods must not block.
type Events interface {
	// InletOpened comes before the first message of the inlet.
	InletOpened(inlet uint32, p peer.ID, transport string)
	// InletClosed comes after the last message of the inlet, when all of them were consumed.
	InletClosed(inlet uint32)
	// OutletLimited says whether a relay bounds what can be sent on an outlet from now on.
	OutletLimited(outlet uint32, limited bool)
	// OutletDown says that an outlet has no stream, and how much of what was accepted for it had to be given up.
	OutletDown(outlet uint32, p peer.ID, err *boundary.Error, lostMessages, lostBytes int)
	// Lost tells of messages that did not arrive, whichever side let them go.
	Lost(loss Loss)
}

// Loss is messages that a peer sent, or that were for it, and that did not arrive.
type Loss struct {
	Reason string
	// Why is what the peer that refused them said of them, where it did.
	Why             string
	Peer            peer.ID
	Messages, Bytes int
	// UpTo: it is not known what arrived; the numbers are the most that can be lost.
	UpTo bool
}

// Config is what a Service needs besides its host.
type Config struct {
	MaxMessageSize int
	// Unread is what all peers together may have delivered, in bytes, that the program has not taken.
	Unread int
	// UnfinishedMemory is what their large frames may hold that are being received.
	UnfinishedMemory int
	Port             boundary.Port
	Events           Events
	// Dial connects with a peer, unless it is connected.
	Dial func(ctx context.Context, p peer.ID) error
}

// Service is the direct messages of one node.
type Service struct {
	Config
	host   host.Host
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	// connections hears of those that come and go.
	connections *network.NotifyBundle
	allowance   *allowance
	unfinished  *unfinished
	refusals    *refusals

	mu      sync.Mutex
	closed  bool
	peers   map[peer.ID]*remote
	outlets map[uint32]*outlet
	inlets  map[uint32]*remote
	parting map[network.Conn]parted
}

// New registers the protocol at once: an isolated Python node turns away a peer that does not advertise it from the start.
func New(h host.Host, config Config) *Service {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{
		Config:  config,
		host:    h,
		ctx:     ctx,
		cancel:  cancel,
		peers:   map[peer.ID]*remote{},
		outlets: map[uint32]*outlet{},
		inlets:  map[uint32]*remote{},
		parting: map[network.Conn]parted{},
	}
	s.allowance = &allowance{most: config.Unread}
	s.unfinished = newUnfinished(config.UnfinishedMemory)
	s.refusals = newRefusals(config.Events.Lost)
	h.SetStreamHandler(Protocol, func(str network.Stream) {
		guard.Do("messaging: stream", func() { s.accept(str) })
	})
	s.connections = &network.NotifyBundle{
		ConnectedF: func(_ network.Network, conn network.Conn) {
			if !transports.Relayed(conn) {
				guard.Do("messaging: connection", func() { s.improve(conn.RemotePeer()) })
			}
		},
		DisconnectedF: func(_ network.Network, conn network.Conn) {
			guard.Do("messaging: disconnection", func() { s.disconnected(conn) })
		},
	}
	h.Network().Notify(s.connections)
	return s
}

// accept takes a stream that the peer opened. When it is better than the one in use, the peer has found a better path than a relay.
func (s *Service) accept(str network.Stream) {
	if attached := s.attach(str); attached != nil && attached.rank == direct {
		s.improve(attached.remote.id)
	}
}

// OpenOutlet connects an outlet with a peer and returns when a path to it is open; limited says whether a relay bounds what can be sent on
// it. It may be called again after OutletDown.
func (s *Service) OpenOutlet(ctx context.Context, id uint32, p peer.ID) (limited bool, err error) {
	if p == s.host.ID() {
		return false, boundary.Errorf(boundary.PeerSelf, "a node cannot send a direct message to itself").About(p.String())
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false, boundary.NodeClosed()
	}
	o := s.outlets[id]
	if o == nil {
		r := s.remoteLocked(p)
		o = newOutlet(s, id, r)
		s.outlets[id] = o
		r.outlet = o
		if last := len(r.writers) - 1; last >= 0 && r.writers[last].leaves() {
			o.before = r.writers[last]
		}
		r.writers = append(r.writers, o)
		r.budget.befriend()
		s.start(o.run)
	}
	o.change(func() { o.opening++ })
	s.mu.Unlock()
	found, err := o.search(ctx)
	if err != nil {
		return false, err
	}
	limited = isLimited(found)
	o.setLimited(limited)
	return limited, nil
}

// CloseOutlet lets an outlet go when what it holds has been written.
func (s *Service) CloseOutlet(id uint32) {
	s.mu.Lock()
	o := s.outlets[id]
	delete(s.outlets, id)
	if o != nil && o.r.outlet == o {
		o.r.outlet = nil
	}
	s.mu.Unlock()
	if o == nil {
		s.Port.FreeOutlet(id)
		return
	}
	o.end()
}

// outletEnded forgets an outlet that has nothing more to write.
func (s *Service) outletEnded(o *outlet) {
	s.mu.Lock()
	o.r.writers = slices.DeleteFunc(o.r.writers, func(other *outlet) bool { return other == o })
	s.mu.Unlock()
	s.Port.FreeOutlet(o.id)
	s.forget(o.r)
}

// Enqueue takes frames over for the writer of their outlet. It never blocks: JavaScript keeps to the window.
func (s *Service) Enqueue(frames boundary.Frames) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.outlets[frames.Outlet]
	if o == nil {
		s.Port.Written(frames)
		return
	}
	if o.enqueue(frames) {
		s.start(func() { _, _ = o.search(o.ctx) })
	}
}

// Credit takes back what messages of an inlet cost, once the program has consumed them.
func (s *Service) Credit(inlet uint32, cost int) {
	s.mu.Lock()
	r := s.inlets[inlet]
	s.mu.Unlock()
	if r != nil {
		r.budget.give(cost)
		s.forget(r)
	}
}

// start runs fn in a goroutine that Close waits for. The caller holds mu, or knows that Close cannot be waiting yet.
func (s *Service) start(fn func()) {
	s.wg.Add(1)
	guard.Go("messaging", func() {
		defer s.wg.Done()
		fn()
	})
}
