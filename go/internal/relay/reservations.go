// Package relay keeps this node's places at relays: those that a program asks for, which it renews, and those that AutoRelay finds among the
// relays of the options, which it only reports. Serving as a relay is libp2p's own service; node sets it up.
package relay

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	pb "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/transports"
)

// Events is told what becomes of reservations. Its methods must not block.
type Events interface {
	// Reserved comes for each reservation and each renewal; expires is zero where AutoRelay does not tell.
	Reserved(relay peer.ID, expires time.Time, addrs []ma.Multiaddr)
	// ReservationLost comes once for each reservation that is no more.
	ReservationLost(relay peer.ID, reason string)
}

// Reservations are the places of one node.
type Reservations struct {
	host   host.Host
	events Events
	dial   func(ctx context.Context, relay peer.ID) error
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	places map[peer.ID]*place
	// automatic are the relays that AutoRelay uses, with the addresses through them.
	automatic map[peer.ID][]ma.Multiaddr
}

// New begins to follow what happens to relays; dial connects with one, unless it is connected.
func New(h host.Host, events Events, dial func(ctx context.Context, relay peer.ID) error) (*Reservations, error) {
	subscription, err := h.EventBus().Subscribe([]any{
		new(event.EvtPeerConnectednessChanged), new(event.EvtAutoRelayAddrsUpdated),
	}, eventbus.BufSize(256), eventbus.Name("relay"))
	if err != nil {
		return nil, boundary.Errorf(boundary.Internal, "no event bus: %w", err)
	}
	r := &Reservations{host: h, events: events, dial: dial, places: map[peer.ID]*place{}, automatic: map[peer.ID][]ma.Multiaddr{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.start(func() {
		defer subscription.Close()
		r.follow(subscription)
	})
	return r, nil
}

// Reserve takes a place at a relay, or renews the one there is, and keeps it from then on.
func (r *Reservations) Reserve(ctx context.Context, relay peer.ID) (expires time.Time, err error) {
	if relay == r.host.ID() {
		return time.Time{}, boundary.Errorf(boundary.PeerSelf, "a node cannot be its own relay").About(relay.String())
	}
	p, err := r.place(relay)
	if err != nil {
		return time.Time{}, err
	}
	if err = p.reserve(ctx); err != nil {
		p.giveUpUnlessHeld()
		return time.Time{}, err
	}
	return p.expiry(), nil
}

// Release gives up the place at a relay that the program wants to be rid of.
func (r *Reservations) Release(relay peer.ID) {
	r.mu.Lock()
	p := r.places[relay]
	delete(r.places, relay)
	r.mu.Unlock()
	if p != nil {
		p.end("disconnected")
	}
}

// Addrs are the addresses of this node through the relays that the program asked for; AutoRelay's are the host's own business.
func (r *Reservations) Addrs() (addrs []ma.Multiaddr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.places {
		addrs = append(addrs, p.addrs()...)
	}
	return addrs
}

// Uses says whether this node has, or wants to have, a place at a relay.
func (r *Reservations) Uses(relay peer.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.places[relay] != nil || r.automatic[relay] != nil
}

// Close ends everything; nothing is told any more.
func (r *Reservations) Close() {
	r.cancel()
	r.wg.Wait()
}

func (r *Reservations) place(relay peer.ID) (*place, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return nil, boundary.NodeClosed()
	}
	p := r.places[relay]
	if p == nil {
		p = newPlace(r, relay)
		r.places[relay] = p
		r.start(p.keep)
	}
	return p, nil
}

func (r *Reservations) forget(p *place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.places[p.relay] == p {
		delete(r.places, p.relay)
	}
}

func (r *Reservations) follow(subscription event.Subscription) {
	for {
		select {
		case <-r.ctx.Done():
			return
		case e := <-subscription.Out():
			// Whoever does not read the event bus any more holds up all who write to it.
			guard.Do("relay: events", func() { r.handle(e) })
		}
	}
}

func (r *Reservations) handle(e any) {
	switch e := e.(type) {
	case event.EvtPeerConnectednessChanged:
		if e.Connectedness == network.NotConnected {
			r.disconnected(e.Peer)
		}
	case event.EvtAutoRelayAddrsUpdated:
		r.updated(e.RelayAddrs)
	}
}

// disconnected: a relay forgets the reservation of a peer that it has no connection with.
func (r *Reservations) disconnected(relay peer.ID) {
	r.mu.Lock()
	p := r.places[relay]
	r.mu.Unlock()
	if p != nil && r.host.Network().Connectedness(relay) == network.NotConnected {
		p.lost("the connection to the relay was closed")
	}
}

// updated tells the difference between the relays that AutoRelay used and those that it uses now.
func (r *Reservations) updated(addrs []ma.Multiaddr) {
	now := map[peer.ID][]ma.Multiaddr{}
	for _, addr := range addrs {
		if relay := transports.Relay(addr); relay != "" {
			now[relay] = append(now[relay], addr)
		}
	}
	r.mu.Lock()
	before := r.automatic
	r.automatic = now
	r.mu.Unlock()
	for relay, through := range now {
		if !slices.EqualFunc(before[relay], through, ma.Multiaddr.Equal) {
			r.events.Reserved(relay, time.Time{}, through)
		}
	}
	for relay := range before {
		if now[relay] == nil {
			r.events.ReservationLost(relay, "AutoRelay does not use it any more")
		}
	}
}

func (r *Reservations) start(fn func()) {
	r.wg.Add(1)
	guard.Go("relay", func() {
		defer r.wg.Done()
		fn()
	})
}

// through are the addresses of this node by way of a relay: those of the relay that others can dial.
func through(h host.Host, relay peer.ID, vouched []ma.Multiaddr) []ma.Multiaddr {
	known := append(h.Peerstore().Addrs(relay), vouched...)
	circuit := ma.StringCast("/p2p/" + relay.String() + "/p2p-circuit")
	local := slices.ContainsFunc(h.Network().ConnsToPeer(relay), func(conn network.Conn) bool { return isLoopback(conn.RemoteMultiaddr()) })
	var addrs []ma.Multiaddr
	for _, addr := range known {
		addr, _ = peer.SplitAddr(addr)
		if len(addr) > 0 && dialable(addr, local) {
			addrs = append(addrs, addr.Encapsulate(circuit))
		}
	}
	slices.SortFunc(addrs, func(a, b ma.Multiaddr) int { return bytes.Compare(a.Bytes(), b.Bytes()) })
	return slices.CompactFunc(addrs, ma.Multiaddr.Equal)
}

func reservationFailed(ctx context.Context, relay peer.ID, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errReleased) {
		err = cause
	} else if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	reason := err.Error()
	var refused client.ReservationError
	var undialled *boundary.Error
	switch {
	case errors.As(err, &undialled):
		reason = undialled.Message
	case errors.As(err, &refused) && refused.Status == pb.Status_RESERVATION_REFUSED:
		reason = "it refused, because it has no place left or does not know this node as one it may serve"
	case errors.As(err, &refused) && refused.Status == pb.Status_PERMISSION_DENIED:
		reason = "it does not serve this node"
	}
	failure := boundary.Errorf(boundary.ReservationFailed, "no reservation at relay %s: %s", relay, reason).About(relay.String())
	failure.Err = err
	return failure
}
