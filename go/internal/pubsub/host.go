package pubsub

import (
	"context"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/unaiverse/p2p/go/internal/signatures"
)

// routerHost is the host as the router sees it.
type routerHost struct{ host.Host }

// NewStream opens streams to connected peers only. The router opens one to every peer that comes, and with a plain host it would dial a peer
// that was disconnected at that moment, which undoes the disconnection.
func (h routerHost) NewStream(ctx context.Context, p peer.ID, protocols ...protocol.ID) (network.Stream, error) {
	return h.Host.NewStream(network.WithNoDial(ctx, "pubsub"), p, protocols...)
}

// Peerstore is where the router takes the key from that it signs with.
func (h routerHost) Peerstore() peerstore.Peerstore { return signing{h.Host.Peerstore()} }

type signing struct{ peerstore.Peerstore }

func (s signing) PrivKey(p peer.ID) crypto.PrivKey {
	key := s.Peerstore.PrivKey(p)
	if key == nil {
		return nil
	}
	return signatures.Faster(key)
}
