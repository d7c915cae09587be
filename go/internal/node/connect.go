package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
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
		return nil, boundary.Errorf(boundary.PeerSelf, "a node cannot connect to itself").About(target.ID.String())
	}
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, fmt.Errorf("no answer within %s", connectTimeout))
	defer cancel()
	// Who asks for a connection while an earlier one is being ended wants a new one.
	if err := n.gate.parted(ctx, target.ID); err != nil {
		return nil, dialFailed(ctx, target.ID, nil, errParting)
	}
	connected := len(n.host.Network().ConnsToPeer(target.ID)) > 0
	directly := slices.ContainsFunc(target.Addrs, func(addr ma.Multiaddr) bool { return !circuit(addr) })
	if connected && directly && !transports.ConnectedDirectly(n.host.Network(), target.ID) {
		// Whoever names a direct address wants more than the relayed connection there is.
		ctx = network.WithForceDirectDial(ctx, "connect")
	} else {
		ctx = network.WithAllowLimitedConn(ctx, "connect")
	}
	if err := n.dialer.dial(ctx, target.ID, target.Addrs); err != nil {
		return nil, err
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
	var unoffered string
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
		switch {
		case slices.ContainsFunc(dialled, func(c ma.Component) bool { return c.Protocol().Code == ma.P_WEBRTC }):
			// libp2p would take it for a plain circuit.
			unoffered = text
		case len(dialled) > 0:
			target.Addrs = append(target.Addrs, dialled)
		}
	}
	switch {
	case target.ID == "":
		return nil, boundary.Errorf(boundary.AddressInvalid, "no address to connect to")
	case unoffered != "" && len(target.Addrs) == 0:
		return nil, boundary.Errorf(boundary.AddressInvalid, "%q wants the transport /webrtc, which is not offered: give the address of its relay up to /p2p-circuit", unoffered)
	}
	return target, nil
}

// dialForMessages connects with a peer that something is sent to.
func (n *Node) dialForMessages(ctx context.Context, p peer.ID) error {
	err := n.dialer.dial(ctx, p, nil)
	if errors.Is(err, errNoAddress) {
		return boundary.Errorf(boundary.PeerUnknown, "no address of peer %s is known: connect to it first", p).About(p.String())
	}
	return err
}

// dialForRelay connects with a relay to take a place at.
func (n *Node) dialForRelay(ctx context.Context, p peer.ID) error { return n.dialer.dial(ctx, p, nil) }

// Disconnect lets what was accepted for a peer leave and ends its connections, also when ctx ends meanwhile: what the peer did not take by then is
// given up and told. It is fine when there are no connections.
func (n *Node) Disconnect(ctx context.Context, text string) error {
	p, err := decodePeer(text)
	if err != nil || p == n.host.ID() {
		return err
	}
	hangUp, cancel := context.WithTimeout(ctx, hangUpTimeout)
	defer cancel()
	defer n.gate.part(p)()
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
	return withPeerID(peer.AddrInfo{ID: p, Addrs: n.dialer.book.all(p)}), nil
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
