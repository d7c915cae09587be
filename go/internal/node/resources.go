package node

import (
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
)

// newResourceManager has the Python node's limits, which grow with the machine, and the options' own in their place.
func newResourceManager(limits Limits) (network.ResourceManager, error) {
	scaling := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&scaling)
	base := &scaling.SystemBaseLimit
	base.Conns, base.ConnsInbound, base.ConnsOutbound = 256, 128, 128
	base = &scaling.PeerBaseLimit
	base.Conns, base.ConnsInbound, base.ConnsOutbound = 64, 64, 64

	var partial rcmgr.PartialLimitConfig
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
	return rcmgr.NewResourceManager(
		rcmgr.NewFixedLimiter(partial.Build(scaling.AutoScale())),
		rcmgr.WithMetricsDisabled(),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: 1024}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: 1024}},
		),
	)
}
