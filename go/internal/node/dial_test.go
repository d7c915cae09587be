package node

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/transports"
)

// startNode makes a node that listens with the given transports, at the port and with the identity of an earlier one if there is one.
func startNode(t *testing.T, earlier *Node, with ...string) *Node {
	t.Helper()
	options := testOptions(t)
	options.Transports = with
	if earlier != nil {
		options.IdentityDir, options.Port = earlier.options.IdentityDir, earlier.options.Port
	} else {
		options.Port = freePort(t)
	}
	n, _ := newNode(t, options)
	n.Start()
	return n
}

// freePort is the first of four ports in a row.
func freePort(t *testing.T) int {
	t.Helper()
	for {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		require.NoError(t, err)
		port := listener.Addr().(*net.TCPAddr).Port
		_ = listener.Close()
		if port < 65000 {
			return port
		}
	}
}

func addrsOf(n *Node) []ma.Multiaddr { return n.host.Addrs() }

func over(t *testing.T, n *Node, transport string) string {
	t.Helper()
	for _, addr := range addrsOf(n) {
		if transports.Of(addr) == transport {
			return addr.String() + "/p2p/" + n.host.ID().String()
		}
	}
	t.Fatalf("no %s among %v", transport, addrsOf(n))
	return ""
}

func at(n *Node, addr string) string { return addr + "/p2p/" + n.host.ID().String() }

// apart ends all connections between two nodes and returns when both have noticed.
func apart(t *testing.T, a, b *Node) {
	t.Helper()
	require.NoError(t, a.Disconnect(t.Context(), b.host.ID().String()))
	awaitNoConns(t, b.host, a.host.ID())
}

func awaitNoConns(t *testing.T, h host.Host, p peer.ID) {
	t.Helper()
	require.Eventually(t, func() bool { return len(h.Network().ConnsToPeer(p)) == 0 }, 20*time.Second, time.Millisecond)
}

func refusedDial(t *testing.T, err error) string {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, boundary.DialFailed, boundary.AsError(err).Code, "%v", err)
	return boundary.AsError(err).Message
}

func TestADialGoesToTheAddressesThatWereGivenAndNoOthers(t *testing.T) {
	a := startNode(t, nil, "tcp", "quic", "ws", "webtransport", "webrtc-direct")
	b := startNode(t, nil, "tcp", "quic", "ws", "webtransport", "webrtc-direct")
	all := addrsOf(b)
	// What libp2p prefers on the same port, and what nobody listens on.
	others := slices.Clone(all)
	for _, addr := range all {
		if port, _ := addr.ValueForProtocol(ma.P_UDP); port != "" {
			others = append(others, ma.StringCast("/ip4/127.0.0.1/udp/"+port+"/quic-v1"))
		}
	}
	others = append(others, ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", freePort(t))))
	for round := range 200 {
		given := all[round%len(all)]
		known := slices.DeleteFunc(slices.Clone(others), func(ma.Multiaddr) bool { return rand.N(3) == 0 })
		a.host.Peerstore().AddAddrs(b.host.ID(), known, peerstore.TempAddrTTL)
		connected, err := a.Connect(t.Context(), []string{at(b, given.String())})
		require.NoError(t, err, "%s, with %v known", given, known)
		require.Equal(t, transports.Of(given), transports.Of(ma.StringCast(connected.Addrs[0])))
		apart(t, a, b)
		a.host.Peerstore().ClearAddrs(b.host.ID())
	}
}

func TestWhereTheBetterTransportOfAPortIsNotSpokenTheOtherHasItsTurn(t *testing.T) {
	a, b := startNode(t, nil, "tcp", "ws"), startNode(t, nil, "ws")
	ws := over(t, b, "ws")
	connected, err := a.Connect(t.Context(), []string{ws, strings.Replace(ws, "/ws", "", 1)})
	require.NoError(t, err)
	require.Contains(t, connected.Addrs[0], "/ws")
}

func TestConcurrentDialsOfAPeerDoNotTakeAddressesFromEachOther(t *testing.T) {
	a, b := startNode(t, nil, "tcp", "quic", "ws"), startNode(t, nil, "tcp", "quic", "ws")
	var dialling sync.WaitGroup
	for _, text := range []string{
		over(t, b, "tcp"), over(t, b, "ws"), over(t, b, "quic"), at(b, fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", freePort(t))),
	} {
		dialling.Add(1)
		go func() {
			defer dialling.Done()
			_, err := a.Connect(t.Context(), []string{text})
			if err != nil {
				require.Contains(t, boundary.AsError(err).Message, strings.Split(text, "/p2p/")[0])
				require.NotContains(t, boundary.AsError(err).Message, ";")
			}
		}()
	}
	dialling.Wait()
	require.NotEmpty(t, a.host.Network().ConnsToPeer(b.host.ID()))
	require.Empty(t, a.dialer.book.dials)
	require.Empty(t, a.gate.dials)
}

func TestADialWaitsForAnotherOneForWhichItsAddressWouldBeLeftAway(t *testing.T) {
	a, b := startNode(t, nil, "tcp", "ws"), startNode(t, nil, "tcp", "ws")
	end, err := a.dialer.book.selected(t.Context(), b.host.ID(), []ma.Multiaddr{ma.StringCast(strings.Split(over(t, b, "tcp"), "/p2p/")[0])})
	require.NoError(t, err)
	outcome := make(chan string, 1)
	go func() {
		connected, err := a.Connect(t.Context(), []string{over(t, b, "ws")})
		if err == nil {
			outcome <- connected.Addrs[0]
		}
		close(outcome)
	}()
	// What it finds meanwhile is the other one's address.
	select {
	case <-outcome:
	case <-time.After(100 * time.Millisecond):
	}
	end()
	require.Contains(t, <-outcome, "/ws")
}

func TestAFailedDialNamesTheAddressesOfThisCallAlone(t *testing.T) {
	a, b := startNode(t, nil, "tcp", "quic"), startNode(t, nil, "tcp", "quic")
	first, second := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", freePort(t)), fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", freePort(t))
	a.host.Peerstore().AddAddrs(b.host.ID(), addrsOf(b), peerstore.TempAddrTTL)
	for _, addr := range []string{first, second} {
		_, err := a.Connect(t.Context(), []string{at(b, addr)})
		message := refusedDial(t, err)
		require.Equal(t, 1, strings.Count(message, "/ip4/"), message)
		require.Contains(t, message, addr+": ")
		require.Contains(t, message, "connection refused")
	}
	_, err := a.Connect(t.Context(), []string{at(b, "/ip4/127.0.0.1/udp/1/webrtc-direct"), at(b, "/ip4/0.0.0.0/tcp/1")})
	message := refusedDial(t, err)
	require.Contains(t, message, "/webrtc-direct: this node has no transport for it")
	require.Contains(t, message, "/ip4/0.0.0.0/tcp/1: an address like this cannot be dialled")
}

func TestAPeerThatIsBackIsReachedAtOnceHoweverOftenItWasDialledInVain(t *testing.T) {
	for _, transport := range []string{"tcp", "quic"} {
		t.Run(transport, func(t *testing.T) {
			a, b := startNode(t, nil, transport), startNode(t, nil, transport)
			addr := over(t, b, transport)
			_, err := a.Connect(t.Context(), []string{addr})
			require.NoError(t, err)
			b.Close(0)
			awaitNoConns(t, a.host, b.host.ID())
			for range 3 {
				_, err = a.OpenOutlet(t.Context(), 1, b.host.ID().String())
				sent := refusedDial(t, err)
				require.NotContains(t, sent, "backoff")
				if transport == "tcp" {
					_, err = a.Connect(t.Context(), []string{addr})
					require.Equal(t, refusedDial(t, err), sent, "one sentence for both")
				}
			}
			b = startNode(t, b, transport)
			_, err = a.OpenOutlet(t.Context(), 1, b.host.ID().String())
			require.NoError(t, err)
		})
	}
}

func TestAFriendWhoHasJustLeftIsNotWaitedForLong(t *testing.T) {
	a, b := startNode(t, nil, "quic"), startNode(t, nil, "quic")
	_, err := a.Connect(t.Context(), []string{over(t, b, "quic")})
	require.NoError(t, err)
	b.Close(0)
	awaitNoConns(t, a.host, b.host.ID())
	_, err = a.OpenOutlet(t.Context(), 1, b.host.ID().String())
	require.Contains(t, refusedDial(t, err), errDeparted.Error())
}

func TestAFriendWhoClosedTheConnectionAndIsStillThereIsReached(t *testing.T) {
	a, b := startNode(t, nil, "quic"), startNode(t, nil, "quic")
	_, err := a.Connect(t.Context(), []string{over(t, b, "quic")})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := a.friends.book.Get(b.host.ID(), identifiedIn)
		return err == nil
	}, 20*time.Second, time.Millisecond, "how fast the friend is")
	apart(t, b, a)
	require.Eventually(t, func() bool {
		_, gone := a.friends.patience(b.host.ID())
		return gone
	}, 20*time.Second, time.Millisecond)
	_, err = a.OpenOutlet(t.Context(), 1, b.host.ID().String())
	require.NoError(t, err)
	apart(t, a, b)
	_, gone := a.friends.patience(b.host.ID())
	require.False(t, gone, "this node itself has closed the connection")
}

// TestTwoDialsThatMeet: where two TCP dials become one connection, each side is sent what a client sends. To one who echoes what it is sent a
// dial looks just like that.
func TestTwoDialsThatMeetAreMadeOnceMore(t *testing.T) {
	a, b := startNode(t, nil, "tcp"), startNode(t, nil, "tcp")
	for _, meetings := range []int{1, 2, maxCrossings} {
		crossing := newCrossing(t, over(t, b, "tcp"), meetings)
		_, err := a.Connect(t.Context(), []string{at(b, crossing)})
		require.NoError(t, err, "%d meetings", meetings)
		apart(t, a, b)
	}
	crossing := newCrossing(t, over(t, b, "tcp"), maxCrossings+1)
	_, err := a.Connect(t.Context(), []string{at(b, crossing)})
	require.Contains(t, refusedDial(t, err), crossing)
}

// newCrossing echoes so many connections, and leads the next ones to where somebody listens.
func newCrossing(t *testing.T, target string, meetings int) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for i := 0; ; i++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if i < meetings {
				go func() { _, _ = io.Copy(conn, conn) }()
				continue
			}
			lead(conn, target)
		}
	}()
	return fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", listener.Addr().(*net.TCPAddr).Port)
}

// lead joins a connection with the TCP listener of a node.
func lead(conn net.Conn, target string) {
	onward, err := net.Dial("tcp4", "127.0.0.1:"+strings.Split(target, "/")[4])
	if err != nil {
		_ = conn.Close()
		return
	}
	for _, ends := range [][2]net.Conn{{conn, onward}, {onward, conn}} {
		go func() {
			_, _ = io.Copy(ends[0], ends[1])
			_ = ends[0].Close()
		}()
	}
}

func TestANodeDoesNotConnectToItself(t *testing.T) {
	a := startNode(t, nil, "tcp")
	_, err := a.Connect(t.Context(), a.Created().Addresses)
	require.Equal(t, boundary.PeerSelf, boundary.AsError(err).Code)
}

func TestASendToAPeerWithoutAnAddressSaysWhatToDo(t *testing.T) {
	a, b := startNode(t, nil, "tcp"), startNode(t, nil, "tcp")
	_, err := a.OpenOutlet(t.Context(), 1, b.host.ID().String())
	require.Equal(t, boundary.PeerUnknown, boundary.AsError(err).Code)
	_, err = a.Connect(t.Context(), []string{"/p2p/" + b.host.ID().String()})
	require.Contains(t, refusedDial(t, err), "no address of it is known")
}
