package node

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/messaging"
)

// Options describe a node, as TypeScript validated and completed them (src/options.ts): there are no defaults on this side.
type Options struct {
	IdentityDir        string       `json:"identityDir"`
	Port               int          `json:"port"`
	IPs                []string     `json:"ips"`
	EnableRelayClient  bool         `json:"enableRelayClient"`
	EnableRelayService bool         `json:"enableRelayService"`
	UseBroadLimits     bool         `json:"useBroadLimits"`
	IsIsolated         bool         `json:"isIsolated"`
	KnowsIsPublic      bool         `json:"knowsIsPublic"`
	EnableTLS          bool         `json:"enableTls"`
	DomainName         *string      `json:"domainName"`
	TLSCertPath        *string      `json:"tlsCertPath"`
	TLSKeyPath         *string      `json:"tlsKeyPath"`
	DHTEnabled         bool         `json:"dhtEnabled"`
	DHTKeep            bool         `json:"dhtKeep"`
	WebRTCEnabled      bool         `json:"webrtcEnabled"`
	WebRTCWait         int          `json:"webrtcWait"`
	FloodSub           bool         `json:"floodSub"`
	ICEStunServers     []string     `json:"iceStunServers"`
	ICETurnServers     []TurnServer `json:"iceTurnServers"`
	Relays             []string     `json:"relays"`
	BootstrapPeers     []string     `json:"bootstrapPeers"`
	NATPortMap         bool         `json:"natPortMap"`
	HolePunching       bool         `json:"holePunching"`
	Transports         []string     `json:"transports"`
	Limits             Limits       `json:"limits"`
	Agent              string       `json:"agent"`

	MaxTopicMessageSize int `json:"maxTopicMessageSize"`
}

// TurnServer is one TURN server.
type TurnServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username"`
	Credential string   `json:"credential"`
}

// Limits replace those of the resource manager, 1 or more; nil keeps its own.
type Limits struct {
	Connections           *int   `json:"connections"`
	ConnectionsPerPeer    *int   `json:"connectionsPerPeer"`
	ConnectionsPerAddress *int   `json:"connectionsPerAddress"`
	StreamsPerPeer        *int   `json:"streamsPerPeer"`
	Memory                *int64 `json:"memory"`
	Unread                *int   `json:"unread"`
}

func (l Limits) unread() int {
	if l.Unread == nil {
		return messaging.DefaultUnread
	}
	return *l.Unread
}

// DecodeOptions reads the body of a CREATE request. An unknown key is an error: it would be an option without effect.
func DecodeOptions(body []byte) (*Options, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	options := &Options{}
	if err := decoder.Decode(options); err != nil {
		return nil, boundary.Errorf(boundary.Internal, "the node options cannot be read: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, boundary.Errorf(boundary.Internal, "there is something behind the node options")
	}
	return options, nil
}

// named are the peers that the options name: relays and bootstrap peers.
func (o *Options) named() (peers []peer.ID, err error) {
	for option, addrs := range map[string][]string{"relays": o.Relays, "bootstrapPeers": o.BootstrapPeers} {
		infos, err := peerInfos(option, addrs)
		if err != nil {
			return nil, err
		}
		for _, info := range infos {
			peers = append(peers, info.ID)
		}
	}
	return peers, nil
}

func (o *Options) uses(transport string) bool { return slices.Contains(o.Transports, transport) }

// relay: the service needs the circuit transport as much as the client does.
func (o *Options) relay() bool { return o.EnableRelayClient || o.EnableRelayService }

func peerInfos(option string, addrs []string) ([]peer.AddrInfo, error) {
	var infos []peer.AddrInfo
	for _, addr := range addrs {
		info, err := peer.AddrInfoFromString(addr)
		if err != nil {
			return nil, boundary.Errorf(boundary.AddressInvalid, "%s: %q is not an address that ends in /p2p/<peer id>: %w", option, addr, err)
		}
		known := slices.IndexFunc(infos, func(other peer.AddrInfo) bool { return other.ID == info.ID })
		if known >= 0 {
			infos[known].Addrs = append(infos[known].Addrs, info.Addrs...)
		} else {
			infos = append(infos, *info)
		}
	}
	return infos, nil
}
