package node

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

func TestNobodyDialsAPeerThatTheProgramIsDisconnectingFrom(t *testing.T) {
	a, b := startNode(t, nil, "tcp"), startNode(t, nil, "tcp")
	p := b.host.ID()
	_, err := a.Connect(t.Context(), []string{over(t, b, "tcp")})
	require.NoError(t, err)
	apart(t, a, b)

	end := a.gate.part(p)
	_, err = a.OpenOutlet(t.Context(), 1, p.String())
	require.Contains(t, refusedDial(t, err), errParting.Error())
	err = a.host.Connect(t.Context(), peer.AddrInfo{ID: p, Addrs: addrsOf(b)})
	require.ErrorContains(t, err, "gater", "no library either")
	require.NotContains(t, err.Error(), "/ip4/", "no address is dialled")
	other := a.gate.part(p)
	end()
	require.True(t, a.gate.isParting(p))
	other()
	_, err = a.OpenOutlet(t.Context(), 1, p.String())
	require.NoError(t, err)
	require.Empty(t, a.gate.parting)
}

func TestAConnectionThatIsAskedForMeanwhileIsMadeAfterTheDisconnection(t *testing.T) {
	a, b := startNode(t, nil, "tcp"), startNode(t, nil, "tcp")
	end := a.gate.part(b.host.ID())
	asked, cancel := context.WithCancel(t.Context())
	outcome := make(chan error)
	go func() {
		_, err := a.Connect(asked, []string{over(t, b, "tcp")})
		outcome <- err
	}()
	select {
	case err := <-outcome:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	cancel()
	require.ErrorIs(t, <-outcome, context.Canceled)
	end()
	_, err := a.Connect(t.Context(), []string{over(t, b, "tcp")})
	require.NoError(t, err)
}

func TestADialUnderWayEndsWhenTheProgramDisconnectsFromThePeer(t *testing.T) {
	a, b := startNode(t, nil, "tcp"), startNode(t, nil, "tcp")
	silent, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	outcome := make(chan error, 1)
	go func() {
		_, err := a.Connect(t.Context(), []string{at(b, fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", silent.Addr().(*net.TCPAddr).Port))})
		outcome <- err
	}()
	conn, err := silent.Accept()
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, a.Disconnect(t.Context(), b.host.ID().String()))
	require.Contains(t, refusedDial(t, <-outcome), errParting.Error())
}

func TestAConnectionThatALibraryMakesWhileThePeerIsBeingDisconnectedIsNotKept(t *testing.T) {
	a, b := startNode(t, nil, "tcp"), startNode(t, nil, "tcp")
	held, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer held.Close()
	dialled := make(chan error, 1)
	go func() {
		addr := ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", held.Addr().(*net.TCPAddr).Port))
		dialled <- a.host.Connect(t.Context(), peer.AddrInfo{ID: b.host.ID(), Addrs: []ma.Multiaddr{addr}})
	}()
	conn, err := held.Accept()
	require.NoError(t, err)
	defer a.gate.part(b.host.ID())()
	lead(conn, over(t, b, "tcp"))
	require.ErrorContains(t, <-dialled, "gater")
	require.Empty(t, a.host.Network().ConnsToPeer(b.host.ID()))
}
