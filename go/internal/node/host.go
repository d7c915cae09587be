package node

import (
	"time"

	"github.com/libp2p/go-libp2p"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/webrtc"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	"github.com/libp2p/go-libp2p/p2p/transport/webtransport"

	"github.com/unaiverse/p2p/go/internal/batched"
	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/datagrams"
)

// openHost makes a libp2p host that does not listen yet, and what it is made with.
func (n *Node) openHost(limits rcmgr.ConcreteLimitConfig) error {
	o := n.options
	relayOptions, err := relayOptions(o)
	if err != nil {
		return err
	}
	named, err := o.named()
	if err != nil {
		return err
	}
	book, err := newBook()
	if err != nil {
		return err
	}
	resources, err := newResourceManager(limits, o.Limits.ConnectionsPerAddress)
	if err != nil {
		return err
	}
	connections, err := connmgr.NewConnManager(160, 192, connmgr.WithGracePeriod(time.Minute))
	if err != nil {
		return boundary.Errorf(boundary.Internal, "no connection manager: %w", err)
	}
	n.friends = newFriends(connections, book)
	for _, p := range named {
		n.friends.meet(p, nil)
	}
	resources.friends, resources.refused = n.friends, (&room{node: n}).make
	sockets := &datagrams.Sockets{}
	h, err := libp2p.New(
		libp2p.Identity(n.identity.Key),
		libp2p.Peerstore(book),
		libp2p.NoListenAddrs,
		libp2p.UserAgent(o.Agent),
		libp2p.DisableMetrics(),
		libp2p.Security(libp2ptls.ID, batched.NewTLS),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.ResourceManager(resources),
		libp2p.ConnectionManager(connections),
		libp2p.ConnectionGater(n.gate),
		libp2p.AddrsFactory(n.advertised.addrs),
		libp2p.MultiaddrResolver(names),
		// With these libp2p refuses to dial once most of the last hundred dials have failed, as those of a peer that is away for long do.
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
		transportOptions(o, n.certificate),
		sockets.Option(),
		relayOptions,
		reachabilityOptions(o),
	)
	if err != nil {
		_ = connections.Close()
		_ = resources.Close()
		_ = book.Close()
		return boundary.Errorf(boundary.Internal, "the libp2p host could not be made: %w", err)
	}
	n.host = h
	n.reminders = keepReminding(n, sockets)
	ids := h.(interface{ IDService() identify.IDService }).IDService()
	n.dialer = &dialer{host: h, swarm: h.Network().(*swarm.Swarm), identify: ids, book: book, gate: n.gate, friends: n.friends}
	return nil
}

func transportOptions(o *Options, secure certificate) libp2p.Option {
	var chain []libp2p.Option
	if o.uses("tcp") {
		chain = append(chain, libp2p.Transport(newTCP))
	}
	if o.uses("ws") {
		var options []any
		if secure != nil {
			options = append(options, websocket.WithTLSConfig(secure.TLSConfig()))
		}
		chain = append(chain, libp2p.Transport(websocket.New, options...))
	}
	if o.uses("tcp") && o.uses("ws") {
		chain = append(chain, libp2p.ShareTCPListener())
	}
	if o.uses("quic") {
		chain = append(chain, libp2p.Transport(newQUIC))
	}
	if o.uses("webtransport") {
		chain = append(chain, libp2p.Transport(libp2pwebtransport.New))
	}
	if o.uses("webrtc-direct") {
		chain = append(chain, libp2p.Transport(libp2pwebrtc.New))
	}
	return libp2p.ChainOptions(chain...)
}

func reachabilityOptions(o *Options) libp2p.Option {
	var chain []libp2p.Option
	if o.NATPortMap {
		chain = append(chain, libp2p.NATPortMap())
	}
	if o.KnowsIsPublic {
		chain = append(chain, libp2p.ForceReachabilityPublic())
	}
	if o.DHTEnabled {
		chain = append(chain, libp2p.EnableAutoNATv2())
	}
	return libp2p.ChainOptions(chain...)
}
