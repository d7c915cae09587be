package pubsub

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/signatures"
)

var errStranger = errors.New("a node connects to nobody whom a peer names")

// routerHost is the host as the router sees it.
type routerHost struct {
	host.Host
	streams *streams
}

// NewStream opens streams to connected peers only. The router opens one to every peer that comes, and with a plain host it would dial a peer
// that was disconnected at that moment, which undoes the disconnection.
func (h routerHost) NewStream(ctx context.Context, p peer.ID, protocols ...protocol.ID) (network.Stream, error) {
	var str network.Stream
	err := guard.Call("pubsub: open", func() (err error) {
		str, err = h.streams.open(ctx, p, protocols)
		return err
	})
	return str, err
}

// SetStreamHandler reads streams for the router.
func (h routerHost) SetStreamHandler(id protocol.ID, handle network.StreamHandler) {
	h.Host.SetStreamHandler(id, func(str network.Stream) {
		guard.Do("pubsub: from a peer", func() { h.streams.accept(str, handle) })
	})
}

// Connect fails. GossipSub would connect to whom a peer names when it leaves the mesh.
func (h routerHost) Connect(context.Context, peer.AddrInfo) error { return errStranger }

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
