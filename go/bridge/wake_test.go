package bridge

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/bridge/program"
	"github.com/unaiverse/p2p/go/internal/boundary"
)

// wakeOf has the library connect, and returns the JS end of that connection, with the token read.
func (js *jsEnd) wakeOf(token string) net.Conn {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(js.t, err)
	defer func() { _ = listener.Close() }()
	require.NoError(js.t, js.Wake(listener.Addr().(*net.TCPAddr).Port, []byte(token)))
	end, err := listener.Accept()
	require.NoError(js.t, err)
	js.t.Cleanup(func() { _ = end.Close() })
	require.NoError(js.t, end.SetDeadline(time.Now().Add(20*time.Second)))
	said := make([]byte, len(token))
	_, err = io.ReadFull(end, said)
	require.NoError(js.t, err)
	require.Equal(js.t, token, string(said))
	return end
}

func (js *jsEnd) post() { js.Port().Post(boundary.KindEvent, 0, 0, []byte("{}")) }

// sleep arms the wake byte.
func (js *jsEnd) sleep() {
	n, err := js.Link.Drain(js.buffer, -1)
	require.NoError(js.t, err)
	require.Zero(js.t, n)
}

func TestAConnectionThatTheLibraryMadeWakesAsItsOwnSocketDoes(t *testing.T) {
	js := openLink(t)
	end := js.wakeOf("a token")
	_, err := js.FD()
	require.ErrorIs(t, err, program.Range)
	ring := make([]byte, 64)
	for range 100 {
		js.post()
		js.post()
		n, err := end.Read(ring)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Len(t, js.Drain(), 2)
		js.sleep()
	}
	js.End()
	_, err = end.Read(ring)
	require.ErrorIs(t, err, io.EOF, "the link has ended, and its connection with it")
}

func TestWhatCameBeforeTheConnectionWakesToo(t *testing.T) {
	js := openLink(t)
	js.post()
	n, err := js.wakeOf("a token").Read(make([]byte, 64))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Len(t, js.Drain(), 1)
}

func TestAConnectionThatCannotBeMadeIsRefusedAndTheLinkStaysAsItWas(t *testing.T) {
	js := openLink(t)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	require.ErrorIs(t, js.Wake(0, []byte("x")), program.Range)
	require.ErrorIs(t, js.Wake(1<<16, []byte("x")), program.Range)
	require.ErrorIs(t, js.Wake(port, nil), program.Range)
	require.ErrorIs(t, js.Wake(port, make([]byte, 256)), program.Range)
	require.NoError(t, listener.Close())
	require.ErrorIs(t, js.Wake(port, []byte("x")), program.Memory)
	js.wakeOf("another")
}
