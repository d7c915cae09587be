package node

import (
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/webrtc"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	"github.com/libp2p/go-libp2p/p2p/transport/webtransport"

	"github.com/unaiverse/p2p/go/internal/batched"
	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/datagrams"
)

// newHost makes a libp2p host that does not listen yet.
func newHost(
	o *Options, limits rcmgr.ConcreteLimitConfig, key crypto.PrivKey, gate *gate, advertised *advertised, secure certificate,
) (host.Host, error) {
	resources, err := newResourceManager(limits)
	if err != nil {
		return nil, boundary.Errorf(boundary.Internal, "the limits cannot be used: %w", err)
	}
	connections, err := connmgr.NewConnManager(160, 192, connmgr.WithGracePeriod(time.Minute))
	if err != nil {
		return nil, boundary.Errorf(boundary.Internal, "no connection manager: %w", err)
	}
	relayOptions, err := relayOptions(o)
	if err != nil {
		return nil, err
	}
	h, err := libp2p.New(
		libp2p.Identity(key),
		libp2p.NoListenAddrs,
		libp2p.UserAgent(o.Agent),
		libp2p.DisableMetrics(),
		libp2p.Security(libp2ptls.ID, batched.NewTLS),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.ResourceManager(resources),
		libp2p.ConnectionManager(connections),
		libp2p.ConnectionGater(gate),
		libp2p.AddrsFactory(advertised.addrs),
		transportOptions(o, secure),
		datagrams.Option(),
		relayOptions,
		reachabilityOptions(o),
	)
	if err != nil {
		_ = connections.Close()
		_ = resources.Close()
		return nil, boundary.Errorf(boundary.Internal, "the libp2p host could not be made: %w", err)
	}
	return h, nil
}

func transportOptions(o *Options, secure certificate) libp2p.Option {
	var chain []libp2p.Option
	if o.uses("tcp") {
		chain = append(chain, libp2p.Transport(tcp.NewTCPTransport))
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
		chain = append(chain, libp2p.Transport(libp2pquic.NewTransport))
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
