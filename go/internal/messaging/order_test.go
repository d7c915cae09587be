package messaging

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

func TestPathsThatWaitForTheSameOneHaveTheirTurnsAsTheyCame(t *testing.T) {
	a, b := meet(t, transportsUnderTest["quic"])
	const rounds, paths = 20, 4
	for round := range rounds {
		var streams []network.Stream
		for i := range paths {
			str, err := a.host.NewStream(t.Context(), b.host.ID(), Protocol)
			require.NoError(t, err)
			_, err = str.Write(porttest.Frame("c", []byte{byte(round), byte(i)}))
			require.NoError(t, err)
			streams = append(streams, str)
			// The first one is listened to, and holds up the others.
			require.Eventually(t, func() bool { return waiting(b, a) == i && len(b.port.Messages()) == round*paths+1 }, 20*time.Second, time.Millisecond)
		}
		for _, str := range streams {
			require.NoError(t, str.CloseWrite())
		}
		messages := b.awaitMessages(t, (round+1)*paths)
		for i := range paths {
			require.Equal(t, []byte{byte(round), byte(i)}, messages[round*paths+i].Payload)
		}
	}
}

func waiting(at, from *end) int {
	at.mu.Lock()
	r := at.peers[from.host.ID()]
	at.mu.Unlock()
	if r == nil {
		return 0
	}
	r.turns.mu.Lock()
	defer r.turns.mu.Unlock()
	return len(r.turns.waiting)
}
