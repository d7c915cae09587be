package node

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

func TestADialThatNobodyAnswersBeginsAfreshBesideItself(t *testing.T) {
	a, b := startNode(t, nil, "quic"), startNode(t, nil, "quic")
	// A connection is told by the id that its client has chosen, which stands in the header of its first packets. The first one is lost.
	first := ""
	_, addr := newForwarder(t, over(t, b, "quic"), func(packet []byte) bool {
		if packet[0]&0x80 == 0 {
			return false
		}
		id := string(packet[6 : 6+packet[5]])
		if first == "" {
			first = id
		}
		return id == first
	})
	connected, err := a.Connect(t.Context(), []string{at(b, addr)})
	require.NoError(t, err)
	require.Len(t, connected.Addrs, 1)
	require.Len(t, a.host.Network().ConnsToPeer(b.host.ID()), 1)
}

func TestAPeerThatWasStartedAnewIsHeardOfBeforeQUICWouldAskIt(t *testing.T) {
	// On all addresses, as by default.
	everywhere := testOptions(t)
	everywhere.Transports, everywhere.IPs = []string{"quic"}, []string{"0.0.0.0"}
	a, _ := newNode(t, everywhere)
	a.Start()
	b := startNode(t, nil, "quic")
	f, addr := newForwarder(t, over(t, b, "quic"), nothing)
	_, err := a.Connect(t.Context(), []string{at(b, addr)})
	require.NoError(t, err)
	_, err = a.OpenOutlet(t.Context(), 1, b.host.ID().String())
	require.NoError(t, err)

	// QUIC never sends the same packet twice.
	sent, repeated := map[string]bool{}, make(chan struct{}, 1)
	f.lead(t, over(t, b, "quic"), func(packet []byte) bool {
		if sent[string(packet)] {
			select {
			case repeated <- struct{}{}:
			default:
			}
		}
		sent[string(packet)] = true
		return true
	})
	a.Enqueue(boundary.Frames{Outlet: 1, Data: porttest.Frame("c", make([]byte, 100))})
	select {
	case <-repeated:
	case <-time.After(20 * time.Second):
		t.Fatal("the peer is not reminded")
	}

	// The same identity in another process, which does not know the connection.
	key, err := os.ReadFile(filepath.Join(b.options.IdentityDir, "identity.key"))
	require.NoError(t, err)
	options := testOptions(t)
	options.Transports = []string{"quic"}
	require.NoError(t, os.WriteFile(filepath.Join(options.IdentityDir, "identity.key"), key, 0o600))
	anew, _ := newNode(t, options)
	anew.Start()
	conn := a.host.Network().ConnsToPeer(b.host.ID())[0]
	f.lead(t, over(t, anew, "quic"), nothing)
	require.Eventually(t, conn.IsClosed, 20*time.Second, time.Millisecond)
	_, err = a.Connect(t.Context(), []string{at(b, addr)})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(anew.host.Network().ConnsToPeer(a.host.ID())) == 1 }, 20*time.Second, time.Millisecond)
}
