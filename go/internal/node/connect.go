package node

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/transports"
)

const (
	connectTimeout = 30 * time.Second
	// hangUpTimeout is how long a peer may take to read what was accepted for it before Disconnect gives that up.
	hangUpTimeout = 10 * time.Second
)

// Connected is the answer to CONNECT: the peer, and the address that won.
type Connected struct {
	ID    string   `json:"id"`
	Addrs []string `json:"addrs"`
}

// Connect dials a peer at the given addresses, of which the first names it. A peer that is connected already stays as it is.
func (n *Node) Connect(ctx context.Context, texts []string) (*Connected, error) {
	target, err := parseTarget(texts)
	if err != nil {
		return nil, err
	}
	if target.ID == n.host.ID() {
		return &Connected{target.ID.String(), texts}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	connected := len(n.host.Network().ConnsToPeer(target.ID)) > 0
	directly := slices.ContainsFunc(target.Addrs, func(addr ma.Multiaddr) bool { return transports.Of(addr) != "relay" })
	if connected && directly && !transports.ConnectedDirectly(n.host.Network(), target.ID) {
		// Whoever names a direct address wants more than the relayed connection there is.
		ctx = network.WithForceDirectDial(ctx, "connect")
	} else {
		ctx = network.WithAllowLimitedConn(ctx, "connect")
	}
	defer n.gate.restrict(target.ID, target.Addrs)()
	if s, ok := n.host.Network().(*swarm.Swarm); ok {
		// Somebody asked for this dial; that an earlier one failed shortly before is no reason not to try.
		s.Backoff().Clear(target.ID)
	}
	if err := n.host.Connect(ctx, *target); err != nil {
		return nil, dialFailed(ctx, target.ID, err)
	}
	n.peers.look(target.ID)
	conns := n.host.Network().ConnsToPeer(target.ID)
	if len(conns) == 0 {
		return nil, boundary.Errorf(boundary.DialFailed, "peer %s closed the connection at once", target.ID).About(target.ID.String())
	}
	winner := slices.MinFunc(conns, preferred)
	return &Connected{target.ID.String(), []string{winner.RemoteMultiaddr().String()}}, nil
}

func parseTarget(texts []string) (*peer.AddrInfo, error) {
	target := &peer.AddrInfo{}
	for i, text := range texts {
		addr, err := ma.NewMultiaddr(text)
		if err != nil {
			return nil, boundary.Errorf(boundary.AddressInvalid, "%q is not a multiaddr: %w", text, err)
		}
		dialled, id := peer.SplitAddr(addr)
		switch {
		case i == 0 && id == "":
			return nil, boundary.Errorf(boundary.AddressInvalid, "%q must end in /p2p/<peer id>", text)
		case i == 0:
			target.ID = id
		case id != "" && id != target.ID:
			return nil, boundary.Errorf(boundary.AddressInvalid, "%q belongs to another peer than %s", text, target.ID)
		}
		if len(dialled) > 0 {
			target.Addrs = append(target.Addrs, dialled)
		}
	}
	if target.ID == "" {
		return nil, boundary.Errorf(boundary.AddressInvalid, "no address to connect to")
	}
	return target, nil
}

// dialFailed says for each address why it did not work, in one sentence.
func dialFailed(ctx context.Context, p peer.ID, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	reason := err.Error()
	var dial *swarm.DialError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		reason = "no answer within " + connectTimeout.String()
	case errors.Is(err, swarm.ErrNoAddresses):
		reason = "no address of it is known"
	case errors.As(err, &dial) && len(dial.DialErrors) > 0:
		var reasons []string
		for _, failure := range dial.DialErrors {
			reasons = append(reasons, failure.Address.String()+": "+failure.Cause.Error())
		}
		reason = strings.Join(reasons, "; ")
	}
	reason = strings.Join(strings.Fields(reason), " ")
	return &boundary.Error{Code: boundary.DialFailed, Message: "could not connect to " + p.String() + ": " + reason, Peer: p.String(), Err: err}
}

// Disconnect lets what was accepted for a peer leave and ends its connections, also when ctx ends meanwhile: what the peer did not take by then is
// given up and told. It is fine when there are no connections.
func (n *Node) Disconnect(ctx context.Context, text string) error {
	p, err := decodePeer(text)
	if err != nil || p == n.host.ID() {
		return err
	}
	hangUp, cancel := context.WithTimeout(ctx, hangUpTimeout)
	defer cancel()
	if n.webrtc != nil {
		defer n.webrtc.Quiet(p)()
	}
	n.relays.Release(p)
	n.messaging.Part(p, n.messaging.HangUp(hangUp, p))
	if n.webrtc != nil {
		n.webrtc.Disconnect(p)
	}
	n.peers.look(p)
	return nil
}

// Addresses are those known of a peer, or with "" the node's own; each ends in /p2p/<peer id>.
func (n *Node) Addresses(text string) ([]string, error) {
	if text == "" {
		return addressesOf(n.host), nil
	}
	p, err := decodePeer(text)
	if err != nil {
		return nil, err
	}
	if p == n.host.ID() {
		return addressesOf(n.host), nil
	}
	return withPeerID(n.host.Peerstore().PeerInfo(p)), nil
}

// Opened is the answer to OUTLET_OPEN.
type Opened struct {
	Limited bool `json:"limited"`
}

// OpenOutlet connects an outlet with a peer and returns when a path to it is open.
func (n *Node) OpenOutlet(ctx context.Context, outlet uint32, text string) (*Opened, error) {
	p, err := decodePeer(text)
	if err != nil {
		return nil, err
	}
	limited, err := n.messaging.OpenOutlet(ctx, outlet, p)
	if err != nil {
		return nil, err
	}
	return &Opened{limited}, nil
}

func decodePeer(text string) (peer.ID, error) {
	p, err := peer.Decode(text)
	if err != nil {
		return "", boundary.Errorf(boundary.PeerInvalid, "%q is not a peer id: %w", text, err)
	}
	return p, nil
}
