package node

import (
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/protocol"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/x/rate"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/messaging"
	"github.com/unaiverse/p2p/go/internal/pubsub"
)

// peerStreams is how many streams of direct messages a peer may open at a time; it needs one, and another after each change of the path. Each of
// them has a chunk of memory.
const peerStreams = 16

// peerMemory is what the resource manager lets a peer have beside one message that is being received: above all the windows of its streams.
const peerMemory = 64 << 20

// limitsOf are the Python node's limits, which grow with the machine, and the options' own in their place. What a stream or a protocol may have
// of a peer's memory has no limit of its own: a message of the largest size is received into that of one stream.
func limitsOf(limits Limits, maxMessageSize int) rcmgr.ConcreteLimitConfig {
	scaling := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&scaling)
	base := &scaling.SystemBaseLimit
	base.Conns, base.ConnsInbound, base.ConnsOutbound = 256, 128, 128
	base = &scaling.PeerBaseLimit
	base.Conns, base.ConnsInbound, base.ConnsOutbound = 64, 64, 64
	base.Memory = peerMemory + int64(maxMessageSize)

	unlimited := rcmgr.ResourceLimits{Memory: rcmgr.Unlimited64}
	partial := rcmgr.PartialLimitConfig{
		Stream: unlimited, Protocol: map[protocol.ID]rcmgr.ResourceLimits{}, ProtocolPeer: map[protocol.ID]rcmgr.ResourceLimits{},
	}
	for _, id := range append(pubsub.Protocols(), messaging.Protocol) {
		partial.Protocol[id], partial.ProtocolPeer[id] = unlimited, unlimited
	}
	partial.ProtocolPeer[messaging.Protocol] = rcmgr.ResourceLimits{StreamsInbound: peerStreams, Memory: rcmgr.Unlimited64}
	if limits.Connections != nil {
		n := rcmgr.LimitVal(*limits.Connections)
		partial.System.Conns, partial.System.ConnsInbound, partial.System.ConnsOutbound = n, n, n
	}
	if limits.ConnectionsPerPeer != nil {
		n := rcmgr.LimitVal(*limits.ConnectionsPerPeer)
		partial.PeerDefault.Conns, partial.PeerDefault.ConnsInbound, partial.PeerDefault.ConnsOutbound = n, n, n
	}
	if limits.StreamsPerPeer != nil {
		n := rcmgr.LimitVal(*limits.StreamsPerPeer)
		partial.PeerDefault.Streams, partial.PeerDefault.StreamsInbound, partial.PeerDefault.StreamsOutbound = n, n, n
	}
	if limits.Memory != nil {
		partial.System.Memory = rcmgr.LimitVal64(*limits.Memory)
	}
	return partial.Build(scaling.AutoScale())
}

// unfinishedMemory is what messages may take that are being received: half of what the node has, where that is less than the usual.
func unfinishedMemory(limits rcmgr.ConcreteLimitConfig) int {
	system := limits.ToPartialLimitConfig().System.Memory.Build(0)
	return min(messaging.UnfinishedMemory, int(system/2))
}

// newResourceManager bounds besides what comes from one address, by admission.
func newResourceManager(limits rcmgr.ConcreteLimitConfig, fromAddress *int) (*admission, error) {
	inner, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits), rcmgr.WithMetricsDisabled(),
		rcmgr.WithConnRateLimiters(&rate.Limiter{}),
		rcmgr.WithNetworkPrefixLimit([]rcmgr.NetworkPrefixLimit{}, []rcmgr.NetworkPrefixLimit{}),
		rcmgr.WithLimitPerSubnet([]rcmgr.ConnLimitPerSubnet{}, []rcmgr.ConnLimitPerSubnet{}))
	if err != nil {
		return nil, boundary.Errorf(boundary.Internal, "the limits cannot be used: %w", err)
	}
	public := perAddress
	if fromAddress != nil {
		public = *fromAddress
	}
	inbound := limits.ToPartialLimitConfig().System.ConnsInbound.Build(0)
	return newAdmission(inner, public, max(public, inbound*3/4), inbound-min(friendSlack, inbound/8)), nil
}
