package datagrams

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAReminderIsTheLastPacketThatWasSent(t *testing.T) {
	for _, bound := range []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4zero} {
		t.Run(bound.String(), func(t *testing.T) { testReminders(t, bound) })
	}
}

func testReminders(t *testing.T, bound net.IP) {
	s := &Sockets{}
	from, err := s.Listen("udp4", &net.UDPAddr{IP: bound})
	require.NoError(t, err)
	t.Cleanup(func() { _ = from.Close() })
	local := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: from.LocalAddr().(*net.UDPAddr).Port}
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
	remind := func() { s.Remind(local, to.LocalAddr()) }
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
	s.Forget(local, to.LocalAddr())
	s.Forget(local, to.LocalAddr())
	require.Zero(t, s.open[0].noting.Load())
	require.Empty(t, s.open[0].last)
	require.NoError(t, from.Close())
	require.Empty(t, s.open)
	remind()
}
