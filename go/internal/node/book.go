package node

import (
	"context"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
)

// book is the host's peerstore. The swarm dials every address that it finds here, and leaves one away where it knows a better one; so while a
// dial is under way, what is found of its peer are the addresses of that dial and no others.
type book struct {
	peerstore.Peerstore
	peerstore.CertifiedAddrBook

	mu    sync.Mutex
	dials map[peer.ID][]*selection
}

// selection is the addresses of one dial.
type selection struct {
	addrs []ma.Multiaddr
	over  chan struct{}
}

func newBook() (*book, error) {
	store, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, boundary.Errorf(boundary.Internal, "no peerstore: %w", err)
	}
	return &book{Peerstore: store, CertifiedAddrBook: store, dials: map[peer.ID][]*selection{}}, nil
}

// Addrs is what the swarm dials. all has the same in the time between dials.
func (b *book) Addrs(p peer.ID) (addrs []ma.Multiaddr) {
	guard.Do("node: addresses", func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.dials[p]) == 0 {
			addrs = b.all(p)
		}
		for _, dial := range b.dials[p] {
			addrs = append(addrs, dial.addrs...)
		}
	})
	return ma.Unique(addrs)
}

// all are the addresses that are known of a peer.
func (b *book) all(p peer.ID) []ma.Multiaddr { return b.Peerstore.Addrs(p) }

// selected lets a dial find the given addresses until end is called. Dials of one peer go on side by side, unless an address of one would be
// left away for an address of the other; then the later one waits.
func (b *book) selected(ctx context.Context, p peer.ID, addrs []ma.Multiaddr) (end func(), err error) {
	mine := &selection{addrs, make(chan struct{})}
	for {
		other := b.enter(p, mine)
		if other == nil {
			return func() { b.leave(p, mine) }, nil
		}
		select {
		case <-other.over:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// enter adds a selection, or returns one that is in its way.
func (b *book) enter(p peer.ID, mine *selection) *selection {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, other := range b.dials[p] {
		if _, second := byPreference(slices.Concat(mine.addrs, other.addrs)); len(second) > 0 {
			return other
		}
	}
	b.dials[p] = append(b.dials[p], mine)
	return nil
}

func (b *book) leave(p peer.ID, mine *selection) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dials[p] = slices.DeleteFunc(b.dials[p], func(other *selection) bool { return other == mine })
	if len(b.dials[p]) == 0 {
		delete(b.dials, p)
	}
	close(mine.over)
}
