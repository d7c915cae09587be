package node

import (
	"context"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/autorelay"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

// relayOptions: a node uses the relays that its options name and no others, and serves as one with the Python node's limits.
func relayOptions(o *Options) (libp2p.Option, error) {
	if !o.relay() {
		return libp2p.DisableRelay(), nil
	}
	// Without this, a host that is made without listen addresses has no circuit transport.
	chain := []libp2p.Option{libp2p.EnableRelay()}
	relays, err := peerInfos("relays", o.Relays)
	if err != nil {
		return nil, err
	}
	if len(relays) > 0 {
		chain = append(chain, libp2p.EnableAutoRelayWithStaticRelays(relays,
			autorelay.WithBootDelay(10*time.Second), autorelay.WithMinCandidates(min(2, len(relays))), autorelay.WithNumRelays(len(relays))))
	}
	if o.EnableRelayService {
		chain = append(chain, libp2p.EnableRelayService(relay.WithResources(relayResources(o.UseBroadLimits))), libp2p.EnableNATService())
	}
	if o.HolePunching {
		chain = append(chain, libp2p.EnableHolePunching())
	}
	return libp2p.ChainOptions(chain...), nil
}

func relayResources(broadLimits bool) relay.Resources {
	resources := relay.DefaultResources()
	resources.MaxReservations = 1024
	resources.MaxReservationsPerIP = 1024
	resources.MaxReservationsPerASN = 1024
	resources.MaxCircuits = 32
	resources.BufferSize = 4096
	if broadLimits {
		resources.Limit = nil
	}
	return resources
}

// Reserved is the answer to RESERVE.
type Reserved struct {
	Expires string `json:"expires"`
}

// Reserve takes a place at a relay and keeps it.
func (n *Node) Reserve(ctx context.Context, text string) (*Reserved, error) {
	p, err := decodePeer(text)
	if err != nil {
		return nil, err
	}
	expires, err := n.relays.Reserve(ctx, p)
	if err != nil {
		return nil, err
	}
	return &Reserved{isoTime(expires)}, nil
}

// Reserved implements relay.Events.
func (n *Node) Reserved(relay peer.ID, expires time.Time, addrs []ma.Multiaddr) {
	event := reservationEvent{Type: "reservation", Relay: relay.String(), Addresses: withPeerID(peer.AddrInfo{ID: n.host.ID(), Addrs: addrs})}
	if !expires.IsZero() {
		text := isoTime(expires)
		event.Expires = &text
	}
	n.watcher.changedAddresses()
	n.post(event)
}

// ReservationLost implements relay.Events.
func (n *Node) ReservationLost(relay peer.ID, reason string) {
	n.watcher.changedAddresses()
	n.post(reservationLostEvent{"reservationlost", relay.String(), reason})
}

// withCircuits adds the addresses by way of relays to those that the host advertises. The host has those of AutoRelay already.
func (n *Node) withCircuits(addrs []ma.Multiaddr) []ma.Multiaddr {
	return append(slices.Clip(addrs), n.relays.Addrs()...)
}

func isoTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
