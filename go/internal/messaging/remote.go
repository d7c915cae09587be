package messaging

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// remote is what a node keeps of one peer that it exchanges direct messages with. Service.mu guards its maps and pointers.
type remote struct {
	id     peer.ID
	budget budget
	// outlet is the one that JavaScript sends through; writers are all that still have something to write, in the order of their opening.
	outlet  *outlet
	writers []*outlet
	paths   map[path]struct{}
	// used is the one of them that frames are written to.
	used path
	// circuits are the limited connections that streams go through.
	circuits []*circuit
	// speaking is the path that brought the last messages.
	speaking atomic.Pointer[line]
	turns    turns
	// torn: a path that this side had ended broke before the peer's end of it came, which the peer may not know.
	torn atomic.Bool
	// departure is the connection that the peer is about to close, nil when there is none.
	departure *departure
	// inlets holds one inlet for each transport, so that a message tells which one brought it.
	inlets map[string]uint32
	// large is its part of the memory for large frames: all the streams of a peer together hold one of them.
	large largeFrames
}

func (s *Service) remoteLocked(p peer.ID) *remote {
	r := s.peers[p]
	if r == nil {
		r = &remote{id: p, paths: map[path]struct{}{}, inlets: map[string]uint32{}}
		r.budget = budget{all: s.allowance}
		s.peers[p] = r
	}
	return r
}

// inletLocked finds or announces the inlet for what a transport brings from a peer.
func (s *Service) inletLocked(r *remote, transport string) uint32 {
	id, known := r.inlets[transport]
	if !known {
		id = boundary.NextHandle()
		r.inlets[transport] = id
		s.inlets[id] = r
		s.Events.InletOpened(id, r.id, transport)
	}
	return id
}

// forget drops a peer's state once it has no path, no outlet and no unconsumed message.
func (s *Service) forget(r *remote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(r.paths) > 0 || !r.budget.whole() {
		return
	}
	for _, id := range r.inlets {
		delete(s.inlets, id)
		s.Events.InletClosed(id)
	}
	clear(r.inlets)
	r.speaking.Store(nil)
	if len(r.writers) == 0 && s.peers[r.id] == r {
		delete(s.peers, r.id)
	}
}

// Held counts what is kept of peers, by kind: all of it goes when they do.
func (s *Service) Held() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]int{"peers": len(s.peers), "outlets": len(s.outlets), "inlets": len(s.inlets), "parting": len(s.parting)}
}

func (s *Service) pathsOf(r *remote) []path {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(r.paths))
}
