package node

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// lossy leads packets to where somebody listens, and back, but for those of the first connection that begins: that one is never answered.
type lossy struct {
	net.PacketConn
	target net.Addr

	mu    sync.Mutex
	first string
	ways  map[string]net.Conn
}

func newLossy(t *testing.T, target string) (addr string) {
	t.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	to, err := net.ResolveUDPAddr("udp4", "127.0.0.1:"+strings.Split(target, "/")[4])
	require.NoError(t, err)
	l := &lossy{PacketConn: socket, target: to, ways: map[string]net.Conn{}}
	t.Cleanup(l.close)
	go l.run()
	return fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", socket.LocalAddr().(*net.UDPAddr).Port)
}

func (l *lossy) run() {
	packet := make([]byte, 2048)
	for {
		n, from, err := l.ReadFrom(packet)
		if err != nil {
			return
		}
		if !l.lost(packet[:n]) {
			if way := l.way(from); way != nil {
				_, _ = way.Write(packet[:n])
			}
		}
	}
}

// lost tells connections by the id that the client has chosen, which stands in the header of its first packets.
func (l *lossy) lost(packet []byte) bool {
	if packet[0]&0x80 == 0 {
		return false
	}
	id := string(packet[6 : 6+packet[5]])
	if l.first == "" {
		l.first = id
	}
	return id == l.first
}

func (l *lossy) way(from net.Addr) net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	way := l.ways[from.String()]
	if way == nil {
		way, _ = net.Dial("udp4", l.target.String())
		l.ways[from.String()] = way
		go func() {
			packet := make([]byte, 2048)
			for {
				n, err := way.Read(packet)
				if err != nil {
					return
				}
				_, _ = l.WriteTo(packet[:n], from)
			}
		}()
	}
	return way
}

func (l *lossy) close() {
	_ = l.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, way := range l.ways {
		_ = way.Close()
	}
}

func TestADialThatNobodyAnswersBeginsAfreshBesideItself(t *testing.T) {
	a, b := startNode(t, nil, "quic"), startNode(t, nil, "quic")
	connected, err := a.Connect(t.Context(), []string{at(b, newLossy(t, over(t, b, "quic")))})
	require.NoError(t, err)
	require.Len(t, connected.Addrs, 1)
	require.Len(t, a.host.Network().ConnsToPeer(b.host.ID()), 1)
}
