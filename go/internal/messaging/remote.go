package messaging

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// remote is what a node keeps of one peer that it exchanges direct messages with. Service.mu guards its maps and pointers.
type remote struct {
	id     peer.ID
	budget budget
	outlet *outlet
	paths  map[path]struct{}
	// used is the one of them that frames are written to.
	used path
	// circuits are the limited connections that streams go through.
	circuits []*circuit
	// turn is the switch from one path to another that is under way.
	turn atomic.Pointer[turn]
	// inlets holds one inlet for each transport, so that a message tells which one brought it.
	inlets map[string]uint32
	// large admits one message of more than a chunk at a time: all the streams of a peer together hold one of them.
	large chan struct{}
}

func (s *Service) remoteLocked(p peer.ID) *remote {
	r := s.peers[p]
	if r == nil {
		r = &remote{id: p, paths: map[path]struct{}{}, inlets: map[string]uint32{}, large: make(chan struct{}, 1)}
		r.budget.init()
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
	if r.outlet == nil && s.peers[r.id] == r {
		delete(s.peers, r.id)
	}
}

func (s *Service) pathsOf(r *remote) []path {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(r.paths))
}

// budget is the credit of one peer: what its delivered, unconsumed messages cost. Reading stops at the window and goes on at half of it.
type budget struct {
	mu      sync.Mutex
	spent   int
	resumed chan struct{}
}

func (b *budget) init() { b.resumed = make(chan struct{}) }

func (b *budget) spend(cost int) {
	b.mu.Lock()
	b.spent += cost
	b.mu.Unlock()
}

func (b *budget) give(cost int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.spent
	b.spent = max(0, b.spent-cost)
	if before > boundary.Window/2 && b.spent <= boundary.Window/2 {
		close(b.resumed)
		b.resumed = make(chan struct{})
	}
}

func (b *budget) whole() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spent == 0
}

// admit returns at once while there is credit, else when half of the window is free again.
func (b *budget) admit(ctx context.Context) (waited bool, err error) {
	b.mu.Lock()
	resumed := b.resumed
	full := b.spent >= boundary.Window
	b.mu.Unlock()
	if !full {
		return false, nil
	}
	select {
	case <-resumed:
		return true, nil
	case <-ctx.Done():
		return true, ctx.Err()
	}
}
