package datagrams

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func loopback(t *testing.T, s *Sockets) net.PacketConn {
	t.Helper()
	conn, err := s.Listen("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestAReminderIsTheLastPacketThatWasSent(t *testing.T) {
	s := &Sockets{}
	from := loopback(t, s)
	to, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer to.Close()
	next := func() string {
		require.NoError(t, to.SetReadDeadline(time.Now().Add(10*time.Second)))
		packet := make([]byte, 2*largestPacket)
		n, err := to.Read(packet)
		require.NoError(t, err)
		return string(packet[:n])
	}
	send := func(text string) {
		_, _, err := from.(interface {
			WriteMsgUDP(data, told []byte, to *net.UDPAddr) (int, int, error)
		}).WriteMsgUDP([]byte(text), nil, to.LocalAddr().(*net.UDPAddr))
		require.NoError(t, err)
		require.Equal(t, text, next())
	}
	remind := func() { s.Remind(from.LocalAddr(), to.LocalAddr()) }
	send("before")
	remind()
	send("one")
	remind()
	require.Equal(t, "one", next(), "nothing was noted before the first time")
	_, err = from.WriteTo([]byte("two"), to.LocalAddr())
	require.NoError(t, err)
	require.Equal(t, "two", next())
	send(string(make([]byte, largestPacket+1)))
	remind()
	require.Equal(t, "two", next(), "what the kernel would take apart is no packet")
	s.Forget(from.LocalAddr(), to.LocalAddr())
	s.Forget(from.LocalAddr(), to.LocalAddr())
	require.Zero(t, s.open[0].noting.Load())
	require.Empty(t, s.open[0].last)
	require.NoError(t, from.Close())
	require.Empty(t, s.open)
	remind()
}
