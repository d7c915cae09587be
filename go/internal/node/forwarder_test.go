// A way between two QUIC sockets for the tests of this package, on which packets can be lost.

package node

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// forwarder leads packets to where somebody listens, and back.
type forwarder struct {
	net.PacketConn

	mu     sync.Mutex
	target *net.UDPAddr
	lost   func(packet []byte) bool
	ways   map[string]net.PacketConn
}

// newForwarder loses the packets, both ways, of which lost says so.
func newForwarder(t *testing.T, target string, lost func(packet []byte) bool) (f *forwarder, addr string) {
	t.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	f = &forwarder{PacketConn: socket, lost: lost, ways: map[string]net.PacketConn{}}
	f.lead(t, target, lost)
	t.Cleanup(f.close)
	go f.run()
	return f, fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", socket.LocalAddr().(*net.UDPAddr).Port)
}

// lead goes on with another target.
func (f *forwarder) lead(t *testing.T, target string, lost func(packet []byte) bool) {
	t.Helper()
	to, err := net.ResolveUDPAddr("udp4", "127.0.0.1:"+strings.Split(target, "/")[4])
	require.NoError(t, err)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.target, f.lost = to, lost
}

func (f *forwarder) run() {
	packet := make([]byte, 2048)
	for {
		n, from, err := f.ReadFrom(packet)
		if err != nil {
			return
		}
		f.mu.Lock()
		if !f.lost(packet[:n]) {
			if way := f.way(from); way != nil {
				_, _ = way.WriteTo(packet[:n], f.target)
			}
		}
		f.mu.Unlock()
	}
}

// way is the socket by which the packets from an address go on, and by which those to it come.
func (f *forwarder) way(from net.Addr) net.PacketConn {
	way := f.ways[from.String()]
	if way == nil {
		var err error
		if way, err = net.ListenPacket("udp4", "127.0.0.1:0"); err != nil {
			return nil
		}
		f.ways[from.String()] = way
		go func() {
			packet := make([]byte, 2048)
			for {
				n, _, err := way.ReadFrom(packet)
				if err != nil {
					return
				}
				f.mu.Lock()
				lost := f.lost(packet[:n])
				f.mu.Unlock()
				if !lost {
					_, _ = f.WriteTo(packet[:n], from)
				}
			}
		}()
	}
	return way
}

func (f *forwarder) close() {
	_ = f.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, way := range f.ways {
		_ = way.Close()
	}
}

func nothing([]byte) bool { return false }
