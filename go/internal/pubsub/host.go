package pubsub

import (
	"context"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// connectedHost opens streams to connected peers only. The router opens one to every peer that comes, and with a plain host it would dial a
// peer that was disconnected at that moment, which undoes the disconnection.
type connectedHost struct{ host.Host }

func (h connectedHost) NewStream(ctx context.Context, p peer.ID, protocols ...protocol.ID) (network.Stream, error) {
	return h.Host.NewStream(network.WithNoDial(ctx, "pubsub"), p, protocols...)
}
