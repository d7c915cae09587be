// Package transports names the transport of a connection as the public API does.
package transports

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Name is "relay", "webrtc-direct", "webtransport", "quic", "ws" or "tcp".
func Name(conn network.Conn) string {
	return Of(conn.RemoteMultiaddr())
}

// Relayed says whether a connection goes through a relay, whatever limits that has.
func Relayed(conn network.Conn) bool { return Name(conn) == "relay" }

// ConnectedDirectly says whether one of the connections to a peer does not go through a relay.
func ConnectedDirectly(n network.Network, p peer.ID) bool {
	return slices.ContainsFunc(n.ConnsToPeer(p), func(conn network.Conn) bool { return !Relayed(conn) })
}

// Relay is the relay in a circuit address, "" in any other.
func Relay(addr ma.Multiaddr) peer.ID {
	before, circuit := ma.SplitFunc(addr, func(c ma.Component) bool { return c.Protocol().Code == ma.P_CIRCUIT })
	if len(circuit) == 0 {
		return ""
	}
	_, relay := peer.SplitAddr(before)
	return relay
}

// Of is Name for an address. That of a circuit begins with how its relay is reached, which says nothing: the last component that names a
// transport counts.
func Of(addr ma.Multiaddr) string {
	name := "tcp"
	for _, component := range addr {
		switch component.Protocol().Code {
		case ma.P_CIRCUIT:
			return "relay"
		case ma.P_WEBRTC_DIRECT:
			name = "webrtc-direct"
		case ma.P_WEBTRANSPORT:
			name = "webtransport"
		case ma.P_QUIC_V1:
			name = "quic"
		case ma.P_WS, ma.P_WSS:
			name = "ws"
		}
	}
	return name
}
