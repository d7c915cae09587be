package node

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/transports"
)

const (
	// maxCrossings is how often a dial that met the peer's own begins again.
	maxCrossings = 3
	// firstPause is how long the peer with the smaller id waits before that, at most; the other one waits between secondPause and longestPause,
	// as long as the first dial takes.
	firstPause   = 10 * time.Millisecond
	secondPause  = 50 * time.Millisecond
	longestPause = time.Second
)

var (
	errNoAddress   = errors.New("no address of it is known")
	errDeparted    = errors.New("it ended the connection a moment ago and does not answer any more")
	errUndialable  = errors.New("an address like this cannot be dialled")
	errNoTransport = errors.New("this node has no transport for it")
	errNoAnswer    = errors.New("no answer")
)

// dialer is the one way by which this node dials: for connectTo, for what is sent, and for relays. Somebody asks for each of these dials; that
// an earlier one failed shortly before is no reason not to try.
type dialer struct {
	host     host.Host
	swarm    *swarm.Swarm
	identify identify.IDService
	book     *book
	gate     *gate
	friends  *friends
}

// dial connects with a peer at the given addresses, or else at those that are known of it. A peer that is connected stays as it is.
func (d *dialer) dial(ctx context.Context, p peer.ID, given []ma.Multiaddr) error {
	if d.connected(ctx, p) {
		d.befriend(p, given)
		return nil
	}
	asked := ctx
	ctx, leave := d.gate.enter(ctx, p)
	defer leave()
	addrs := given
	if len(given) == 0 {
		addrs = d.book.all(p)
		if patience, short := d.friends.patience(p); short && !slices.ContainsFunc(addrs, circuit) {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, patience, errDeparted)
			defer cancel()
		}
	}
	if len(addrs) == 0 {
		return dialFailed(asked, p, nil, errNoAddress)
	}
	addrs, unresolved := resolve(ctx, d.swarm, p, addrs)
	if len(addrs) == 0 {
		return dialFailed(asked, p, unresolved, nil)
	}
	failures, err := d.persist(ctx, p, addrs)
	if err == nil {
		d.befriend(p, given)
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return dialFailed(asked, p, append(unresolved, failures...), err)
}

func (d *dialer) befriend(p peer.ID, given []ma.Multiaddr) {
	d.friends.meet(p, given)
	for _, conn := range d.host.Network().ConnsToPeer(p) {
		d.friends.seen(conn)
	}
}

func (d *dialer) connected(ctx context.Context, p peer.ID) bool {
	if direct, _ := network.GetForceDirectDial(ctx); direct {
		return transports.ConnectedDirectly(d.host.Network(), p)
	}
	limited, _ := network.GetAllowLimitedConn(ctx)
	connectedness := d.host.Network().Connectedness(p)
	return connectedness == network.Connected || limited && connectedness == network.Limited
}

// persist begins again where two peers dial each other at the same moment. Both dial from the port that they listen on, so that their dials
// can become one TCP connection on which each is the client. The smaller id goes first, so that they do not meet again.
func (d *dialer) persist(ctx context.Context, p peer.ID, addrs []ma.Multiaddr) (failures []failure, err error) {
	began := time.Now()
	failures, err = d.try(ctx, p, addrs)
	for range maxCrossings {
		var again []ma.Multiaddr
		for _, f := range failures {
			if crossed(f) {
				again = append(again, f.addr)
			}
		}
		if err == nil || len(again) == 0 {
			break
		}
		pause := rand.N(firstPause)
		if d.host.ID() > p {
			pause = secondPause + min(3*time.Since(began), longestPause) + rand.N(secondPause)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return failures, ctx.Err()
		}
		began = time.Now()
		var more []failure
		more, err = d.connect(ctx, p, again)
		failures = append(slices.DeleteFunc(failures, crossed), more...)
	}
	return failures, err
}

func crossed(f failure) bool {
	text := f.reason.Error()
	return transports.Of(f.addr) == "tcp" && (strings.Contains(text, "clientHelloMsg") || strings.Contains(text, "reset by peer"))
}

// try dials all addresses. Those that libp2p leaves away for better ones on the same port have their turn where somebody is on that port, who
// does not speak what is better.
func (d *dialer) try(ctx context.Context, p peer.ID, addrs []ma.Multiaddr) (failures []failure, err error) {
	first, second := byPreference(addrs)
	failures, err = d.connect(ctx, p, first)
	if err == nil || len(second) == 0 {
		return failures, err
	}
	var left []ma.Multiaddr
	for _, addr := range second {
		port, _ := socket(addr)
		silent := slices.IndexFunc(failures, func(f failure) bool {
			other, _ := socket(f.addr)
			return port == other && !answered(f.reason)
		})
		if silent < 0 {
			left = append(left, addr)
		} else {
			failures = append(failures, failure{addr, failures[silent].reason})
		}
	}
	if len(left) == 0 {
		return failures, err
	}
	more, err := d.connect(ctx, p, left)
	return append(failures, more...), err
}

func (d *dialer) connect(ctx context.Context, p peer.ID, addrs []ma.Multiaddr) (failures []failure, err error) {
	d.swarm.Backoff().Clear(p)
	for _, addr := range addrs {
		if relay := transports.Relay(addr); relay != "" {
			d.swarm.Backoff().Clear(relay)
		}
	}
	end, err := d.book.selected(ctx, p, addrs)
	if err != nil {
		return nil, err
	}
	conn, err := d.swarm.DialPeer(ctx, p)
	end()
	if err == nil {
		return nil, d.identified(ctx, conn)
	}
	var dial *swarm.DialError
	if !errors.As(err, &dial) {
		return nil, err
	}
	for _, addr := range addrs {
		reason := errUndialable
		tried := slices.IndexFunc(dial.DialErrors, func(e swarm.TransportError) bool { return e.Address.Equal(addr) })
		switch {
		case tried >= 0:
			reason = dial.DialErrors[tried].Cause
		case !errors.Is(err, swarm.ErrNoGoodAddresses):
			continue
		}
		failures = append(failures, failure{addr, reason})
	}
	return failures, err
}

// identified returns when it is known what the peer is.
func (d *dialer) identified(ctx context.Context, conn network.Conn) error {
	select {
	case <-d.identify.IdentifyWait(conn):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answered: somebody is there, though not with what was asked for.
func answered(reason error) bool {
	return !timedOut(reason) && !errors.Is(reason, syscall.ECONNREFUSED) && !errors.Is(reason, syscall.EHOSTUNREACH) && !errors.Is(reason, syscall.ENETUNREACH)
}

func timedOut(reason error) bool {
	var timeout net.Error
	return errors.Is(reason, context.DeadlineExceeded) || errors.Is(reason, os.ErrDeadlineExceeded) || errors.As(reason, &timeout) && timeout.Timeout()
}

// dialFailed says for each address why it did not work, in one sentence. A dial that was cancelled has not failed.
func dialFailed(asked context.Context, p peer.ID, failures []failure, err error) error {
	if errors.Is(asked.Err(), context.Canceled) {
		return asked.Err()
	}
	var reasons []string
	for _, f := range failures {
		reasons = append(reasons, f.addr.String()+": "+told(f.reason).Error())
	}
	var dial *swarm.DialError
	switch {
	case errors.As(err, &dial) && len(failures) > 0:
		if dial.Skipped > 0 {
			reasons = append(reasons, "and "+strconv.Itoa(dial.Skipped)+" more")
		}
	case err != nil:
		reasons = append(reasons, told(err).Error())
	}
	text := strings.Join(strings.Fields(strings.Join(reasons, "; ")), " ")
	return &boundary.Error{Code: boundary.DialFailed, Message: "could not connect to " + p.String() + ": " + text, Peer: p.String(), Err: err}
}

func told(reason error) error {
	switch {
	case errors.Is(reason, errDeparted):
		return reason
	case errors.Is(reason, swarm.ErrGaterDisallowedConnection):
		return errParting
	case errors.Is(reason, swarm.ErrNoTransport):
		return errNoTransport
	case timedOut(reason):
		return errNoAnswer
	}
	return reason
}

func circuit(addr ma.Multiaddr) bool { return transports.Of(addr) == "relay" }
