package relay

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/transports"
)

const (
	reserveTimeout = time.Minute
	firstRetry     = 2 * time.Second
	lastRetry      = 2 * time.Minute
	// protection keeps the connection manager from closing the connection to a relay.
	protection = "relay-reservation"
)

// place is a reservation at one relay: held, or to be taken again as soon as the relay can be reached.
type place struct {
	*Reservations
	relay peer.ID
	ended context.Context
	stop  context.CancelFunc
	// changed wakes keep.
	changed chan struct{}

	// reserving admits one request at a time.
	reserving chan struct{}

	// telling keeps events in the order of what they tell.
	telling sync.Mutex
	mu      sync.Mutex
	expires time.Time
	taken   time.Time
	through []ma.Multiaddr
	// wanted: it was held once, so it is taken again when it is lost.
	wanted bool
	// over: it was given up, and is not to be held any more.
	over bool
}

// errReleased is what becomes of a request during which the place is given up.
var errReleased = errors.New("the place was given up meanwhile")

func newPlace(r *Reservations, relay peer.ID) *place {
	p := &place{Reservations: r, relay: relay, changed: make(chan struct{}, 1), reserving: make(chan struct{}, 1)}
	p.ended, p.stop = context.WithCancel(r.ctx)
	return p
}

func (p *place) addrs() []ma.Multiaddr {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !time.Now().Before(p.expires) {
		return nil
	}
	return p.through
}

func (p *place) expired() bool {
	expires := p.expiry()
	return !expires.IsZero() && !time.Now().Before(expires)
}

func (p *place) expiry() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.expires
}

// reserve asks the relay, dialling it if need be.
func (p *place) reserve(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reserveTimeout)
	defer cancel()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer context.AfterFunc(p.ended, func() { giveUp(errReleased) })()
	select {
	case p.reserving <- struct{}{}:
		defer func() { <-p.reserving }()
	case <-ctx.Done():
		return reservationFailed(ctx, p.relay, ctx.Err())
	}
	if err := p.dial(ctx, p.relay); err != nil {
		return reservationFailed(ctx, p.relay, err)
	}
	reservation, err := client.Reserve(network.WithNoDial(ctx, "dialled already"), p.host, peer.AddrInfo{ID: p.relay})
	if err != nil {
		return reservationFailed(ctx, p.relay, err)
	}
	addrs := through(p.host, p.relay, reservation.Addrs)
	if len(addrs) == 0 {
		return boundary.Errorf(boundary.ReservationFailed, "relay %s has no address that others could dial", p.relay).About(p.relay.String())
	}
	if !p.hold(reservation.Expiration, addrs) {
		return reservationFailed(ctx, p.relay, errReleased)
	}
	p.wake()
	return nil
}

// hold notes and tells what was reserved, unless the place was given up meanwhile.
func (p *place) hold(expires time.Time, through []ma.Multiaddr) bool {
	p.telling.Lock()
	defer p.telling.Unlock()
	p.mu.Lock()
	over := p.over
	if !over {
		p.host.ConnManager().Protect(p.relay, protection)
		p.expires, p.taken, p.through, p.wanted = expires, time.Now(), through, true
	}
	p.mu.Unlock()
	if !over {
		p.events.Reserved(p.relay, expires, through)
	}
	return !over
}

func (p *place) wake() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// lost: the relay does not know the reservation any more.
func (p *place) lost(reason string) {
	p.telling.Lock()
	defer p.telling.Unlock()
	p.mu.Lock()
	held := !p.expires.IsZero()
	p.expires, p.through = time.Time{}, nil
	p.mu.Unlock()
	if held {
		p.events.ReservationLost(p.relay, reason)
		p.wake()
	}
}

func (p *place) end(reason string) {
	p.stop()
	p.mu.Lock()
	p.over = true
	p.host.ConnManager().Unprotect(p.relay, protection)
	p.mu.Unlock()
	p.lost(reason)
}

// giveUpUnlessHeld is for a first request that failed.
func (p *place) giveUpUnlessHeld() {
	p.mu.Lock()
	wanted := p.wanted
	p.mu.Unlock()
	if !wanted {
		p.forget(p)
		p.end("")
	}
}

// keep renews the reservation before it expires, and takes it again when it is lost, until the place is given up.
func (p *place) keep() {
	retry := firstRetry
	for {
		var due <-chan time.Time
		if rest, wanted := p.rest(retry); wanted {
			due = time.After(rest)
		}
		select {
		case <-p.ended.Done():
			return
		case <-p.changed:
			retry = firstRetry
			continue
		case <-due:
		}
		if p.expired() {
			p.lost("it expired and could not be renewed")
		}
		if err := p.reserve(p.ended); err != nil {
			retry = min(2*retry, lastRetry)
		} else {
			retry = firstRetry
		}
	}
}

// rest is how long to wait before the next request: until a quarter of the reservation's time is left, or, when it is lost or the renewal has
// failed, for a growing while. A place that was never held is the business of who asked for it.
func (p *place) rest(retry time.Duration) (rest time.Duration, wanted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	jittered := retry + rand.N(retry/4)
	switch {
	case p.expires.IsZero():
		return jittered, p.wanted
	case retry > firstRetry:
		return min(jittered, time.Until(p.expires)), true
	}
	return time.Until(p.expires) - p.expires.Sub(p.taken)/4, true
}

func dialable(addr ma.Multiaddr, local bool) bool {
	return !manet.IsIPUnspecified(addr) && transports.Relay(addr) == "" && (local || !isLoopback(addr))
}

func isLoopback(addr ma.Multiaddr) bool { return manet.IsIPLoopback(addr) }
