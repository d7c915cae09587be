package messaging

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/transports"
)

// switchTimeout bounds the wait for the peer's end of a stream that a better path replaces: not every peer answers. Nothing is lost by going on, since
// the old stream stays until it has been read, but a peer that does not put two streams in order may take them in the wrong one.
var switchTimeout = 5 * time.Second

// improve lets the writer of a peer look for a better path than a relayed one.
func (s *Service) improve(p peer.ID) {
	s.mu.Lock()
	r := s.peers[p]
	var o *outlet
	if r != nil {
		o = r.outlet
	}
	s.mu.Unlock()
	if o != nil {
		o.improve()
	}
}

// switchOver goes from a relayed stream to a better path without loss, doubling or disorder: it ends its half of the stream, which the peer
// answers, once it has read all, by ending the other half. Only then is anything written to the better path.
func (s *Service) switchOver(p peer.ID) {
	old := s.usable(p)
	if old == nil || old.base().rank != relayed {
		return
	}
	r := old.base().remote
	next := s.better(r)
	if next == nil {
		return
	}
	s.leave(old)
	deadline := time.NewTimer(switchTimeout)
	select {
	case <-old.base().done:
	case <-deadline.C:
	case <-s.ctx.Done():
	}
	deadline.Stop()
	s.goOver(old.base(), next)
	s.mu.Lock()
	if !next.base().ended.Load() {
		r.used = next
	}
	s.mu.Unlock()
}

// better finds or opens a path that is not relayed.
func (s *Service) better(r *remote) path {
	s.mu.Lock()
	best := r.bestLocked()
	s.mu.Unlock()
	if best != nil && best.base().rank < relayed {
		return best
	}
	if !transports.ConnectedDirectly(s.host.Network(), r.id) {
		return nil
	}
	ctx, cancel := context.WithTimeout(network.WithNoDial(s.ctx, "a better path"), openTimeout)
	defer cancel()
	str, err := s.host.NewStream(ctx, r.id, Protocol)
	if err != nil {
		return nil
	}
	if rankOf(str.Conn()) != direct {
		_ = str.Reset()
		return nil
	}
	if attached := s.attach(str); attached != nil {
		return attached
	}
	return nil
}
