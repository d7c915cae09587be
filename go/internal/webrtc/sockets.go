package webrtc

import (
	"net"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"

	"github.com/unaiverse/p2p/go/internal/guard"
)

// socketBuffer is what a socket should hold; the system may allow less. The usual 208 KiB hold about 90 packets, which a sender on the same
// network overruns, and then SCTP waits a second before it repeats what was lost.
const socketBuffer = 2 << 20

// sockets are the system's, with larger buffers.
type sockets struct{ *stdnet.Net }

func newSockets() (transport.Net, error) {
	system, err := stdnet.NewNet()
	return sockets{system}, err
}

// ListenUDP implements transport.Net.
func (s sockets) ListenUDP(network string, addr *net.UDPAddr) (conn transport.UDPConn, err error) {
	err = guard.Call("webrtc: socket", func() error {
		if conn, err = s.Net.ListenUDP(network, addr); err != nil {
			return err
		}
		_ = conn.SetReadBuffer(socketBuffer)
		_ = conn.SetWriteBuffer(socketBuffer)
		return nil
	})
	return conn, err
}
