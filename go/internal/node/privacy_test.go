package node

import (
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/webrtc"
)

func TestHolesArePunchedAndRoutersAskedOnlyWhereTheOptionsSaySo(t *testing.T) {
	for _, wanted := range []bool{false, true} {
		o := testOptions(t)
		o.HolePunching, o.NATPortMap = wanted, wanted
		relayed, err := relayOptions(o)
		require.NoError(t, err)
		var config libp2p.Config
		require.NoError(t, config.Apply(relayed, reachabilityOptions(o)))
		require.Equal(t, wanted, config.EnableHolePunching)
		require.Equal(t, wanted, config.NATManager != nil)
	}
}

func TestWebRTCIsNotSpokenWhereTheOptionsTurnItOff(t *testing.T) {
	for _, wanted := range []bool{false, true} {
		o := testOptions(t)
		o.WebRTCEnabled = wanted
		n, _ := newNode(t, o)
		require.Equal(t, wanted, n.webrtc != nil)
		require.Equal(t, wanted, slices.Contains(n.host.Mux().Protocols(), webrtc.Protocol))
	}
}
