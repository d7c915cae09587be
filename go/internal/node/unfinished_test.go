package node

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
	"github.com/unaiverse/p2p/go/internal/messaging"
)

// chatStream is a stream of direct messages to a node, from a host that is not one.
func chatStream(t *testing.T, n *Node) network.Stream {
	t.Helper()
	h := plainHost(t)
	require.NoError(t, h.Connect(t.Context(), peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()}))
	str, err := h.NewStream(t.Context(), n.host.ID(), messaging.Protocol)
	require.NoError(t, err)
	return str
}

func plainHost(t *testing.T) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics(), libp2p.ResourceManager(&network.NullResourceManager{}))
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func awaitChange(t *testing.T, port *porttest.Port, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		changed := port.Changed()
		if condition() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Eight strangers that sent all but a byte of a large message each held its memory for up to 86 minutes.
func TestUnfinishedMessagesOfStrangersStayWithinTheLimitAndHoldUpNobody(t *testing.T) {
	const message, limit = 20 << 20, int64(64 << 20)
	options := testOptions(t)
	options.Limits.Memory = new(limit)
	port := porttest.New()
	n, err := New(t.Context(), port, options, message)
	require.NoError(t, err)
	t.Cleanup(func() { n.Close(0) })
	n.Start()

	frame := porttest.Frame("channel", make([]byte, message-100))
	for range 8 {
		str := chatStream(t, n)
		go func() { _, _ = str.Write(frame[:len(frame)-1]) }()
	}
	awaitChange(t, port, "a stranger's message", func() bool { return port.Memory() >= message })

	friend := chatStream(t, n)
	const count = 20
	go func() {
		for range count {
			_, _ = friend.Write(porttest.Frame("channel", make([]byte, 1<<20)))
		}
	}()
	most, received := 0, 0
	awaitChange(t, port, "the messages of a friend", func() bool {
		most = max(most, port.Memory())
		for _, message := range port.TakeMessages() {
			n.Credit(message.Inlet, len(message.Payload)+boundary.MessageOverhead)
			received++
		}
		return received == count
	})
	require.Less(t, most, int(limit))
	drop := await(t, port, "drop", 1)[0]
	require.Equal(t, "too-slow", drop["reason"])
	require.Equal(t, true, drop["upTo"])
}

func TestTheStreamsOfOneStrangerHoldFewChunks(t *testing.T) {
	n, port := newNode(t, testOptions(t))
	n.Start()
	h := plainHost(t)
	require.NoError(t, h.Connect(t.Context(), peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()}))
	frame := porttest.Frame("channel", make([]byte, 200<<10))
	refused := make(chan struct{}, 100)
	for range 100 {
		go func() {
			defer func() { refused <- struct{}{} }()
			str, err := h.NewStream(t.Context(), n.host.ID(), messaging.Protocol)
			if err != nil {
				return
			}
			_, _ = str.Write(frame[:len(frame)-1])
			_, _ = str.Read(make([]byte, 1))
		}()
	}
	for range 100 - peerStreams {
		<-refused
	}
	require.LessOrEqual(t, port.Chunks(), peerStreams)
}
