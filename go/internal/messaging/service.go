// Package messaging moves direct messages: the frames of /unaiverse/chat/1.0.0 between outlets and inlets of the boundary and libp2p streams.
// It never copies a payload: what JavaScript queued is written as it lies, and what a stream brings is read into memory that JavaScript drains.
package messaging

import (
	"context"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
)

// Protocol is the protocol id of direct messages; a UNaIVERSE node recognises another one by it.
const Protocol protocol.ID = "/unaiverse/chat/1.0.0"

// Events is told what JavaScript has to know besides the messages. Its methods must not block.
type Events interface {
	// InletOpened comes before the first message of the inlet.
	InletOpened(inlet uint32, p peer.ID, transport string)
	// InletClosed comes after the last message of the inlet, when all of them were consumed.
	InletClosed(inlet uint32)
	// OutletDown says that an outlet has no stream, and how much of what was accepted for it had to be given up.
	OutletDown(outlet uint32, p peer.ID, err *boundary.Error, lostMessages, lostBytes int)
}

// Config is what a Service needs besides its host.
type Config struct {
	MaxMessageSize int
	Port           boundary.Port
	Events         Events
}

// Service is the direct messages of one node.
type Service struct {
	Config
	host   host.Host
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	peers   map[peer.ID]*remote
	outlets map[uint32]*outlet
	inlets  map[uint32]*remote
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
	}
	h.SetStreamHandler(Protocol, func(str network.Stream) {
		guard.Do("messaging: stream", func() { s.attach(str) })
	})
	return s
}

// OpenOutlet connects an outlet with a peer and returns when a stream to it is open. It may be called again after OutletDown.
func (s *Service) OpenOutlet(ctx context.Context, id uint32, p peer.ID) error {
	if p == s.host.ID() {
		return boundary.Errorf(boundary.PeerSelf, "a node cannot send a direct message to itself").About(p.String())
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return boundary.NodeClosed()
	}
	o := s.outlets[id]
	if o == nil {
		o = newOutlet(s, id, p)
		s.outlets[id] = o
		s.remoteLocked(p).outlet = o
		s.start(o.run)
	}
	s.mu.Unlock()
	_, err := s.stream(ctx, p)
	return err
}

// CloseOutlet forgets an outlet when what it holds has been written.
func (s *Service) CloseOutlet(id uint32) {
	s.mu.Lock()
	o := s.outlets[id]
	delete(s.outlets, id)
	if o != nil {
		if r := s.peers[o.p]; r != nil && r.outlet == o {
			r.outlet = nil
		}
	}
	s.mu.Unlock()
	if o == nil {
		s.Port.FreeOutlet(id)
		return
	}
	o.end()
}

// Enqueue takes frames over for the writer of their outlet. It never blocks: JavaScript keeps to the window.
func (s *Service) Enqueue(frames boundary.Frames) {
	s.mu.Lock()
	o := s.outlets[frames.Outlet]
	s.mu.Unlock()
	if o == nil {
		s.Port.Written(frames)
		return
	}
	o.enqueue(frames)
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

// HangUp writes what was accepted for a peer, tells it that this was all, waits until the peer has read it or ctx ends, and ends the streams.
func (s *Service) HangUp(ctx context.Context, p peer.ID) {
	s.mu.Lock()
	r := s.peers[p]
	s.mu.Unlock()
	if r != nil {
		s.hangUp(ctx, r)
	}
}

func (s *Service) hangUp(ctx context.Context, r *remote) {
	s.mu.Lock()
	o := r.outlet
	s.mu.Unlock()
	if o != nil {
		o.flush(ctx)
	}
	for _, str := range s.streamsOf(r) {
		if ctx.Err() == nil {
			str.finish()
		}
	}
	for _, str := range s.streamsOf(r) {
		select {
		case <-str.done:
		case <-ctx.Done():
			_ = str.Reset()
		}
	}
}

// Close hangs up on every peer, bounded by ctx, and returns when nothing of the service runs any more.
func (s *Service) Close(ctx context.Context) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	peers := make([]*remote, 0, len(s.peers))
	for _, r := range s.peers {
		peers = append(peers, r)
	}
	s.mu.Unlock()

	s.host.RemoveStreamHandler(Protocol)
	var hangUps sync.WaitGroup
	for _, r := range peers {
		hangUps.Add(1)
		guard.Go("messaging: hang up", func() {
			defer hangUps.Done()
			s.hangUp(ctx, r)
		})
	}
	hangUps.Wait()
	s.cancel()
	for _, r := range peers {
		for _, str := range s.streamsOf(r) {
			_ = str.Reset()
		}
	}
	s.wg.Wait()
}

// start runs fn in a goroutine that Close waits for. The caller holds mu, or knows that Close cannot be waiting yet.
func (s *Service) start(fn func()) {
	s.wg.Add(1)
	guard.Go("messaging", func() {
		defer s.wg.Done()
		fn()
	})
}
