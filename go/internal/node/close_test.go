package node

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPeerHearsOfACloseOverEveryTransport(t *testing.T) {
	for _, transport := range []string{"tcp", "quic", "ws", "webtransport", "webrtc-direct"} {
		t.Run(transport, func(t *testing.T) {
			o := testOptions(t)
			o.Transports = []string{transport}
			stays, port := newNode(t, o)
			stays.Start()
			for round := 1; round <= 5; round++ {
				o := testOptions(t)
				o.Transports = []string{transport}
				closes, _ := newNode(t, o)
				closes.Start()
				_, err := stays.Connect(t.Context(), addressesOf(closes.host))
				require.NoError(t, err)
				closes.Close(0)
				await(t, port, "peerdisconnect", round)
			}
		})
	}
}
