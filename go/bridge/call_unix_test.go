//go:build unix

package bridge

import (
	"encoding/binary"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/bridge/program"
	"github.com/unaiverse/p2p/go/internal/boundary"
)

func TestACallWithItsArgumentsInMemoryIsThatOfTheFunction(t *testing.T) {
	thread := program.Start()
	defer thread.End()
	call := func(call program.Call) int {
		t.Helper()
		answer, err := thread.Call(call)
		require.NoError(t, err)
		return answer
	}
	link := int32(call(program.Call{Function: program.CallOpen}))
	session := sessionOf(link)
	fd := call(program.Call{Function: program.CallFD, Link: link})
	require.True(t, isOpen(fd))

	call(program.Call{Function: program.CallChannel, Link: link, Last: 7, Buffer: []byte("name")})
	outlet := uint32(call(program.Call{Function: program.CallOutlet, Link: link}))
	send := program.Call{Function: program.CallSend, Link: link, Outlet: outlet, Last: 7, Buffer: []byte("payload")}
	const frame = 4 + 1 + len("name") + len("payload")
	require.Equal(t, frame, call(send))
	require.Equal(t, 2*frame, call(send))
	wait := program.Call{Function: program.CallWait, Link: link, Outlet: outlet, Last: uint32(2*frame + 1)}
	require.Equal(t, 1, call(wait))
	wait.Last = uint32(2 * frame)
	require.Equal(t, 0, call(wait))

	request := make([]byte, 16)
	binary.LittleEndian.PutUint32(request, uint32(boundary.OpInspect))
	binary.LittleEndian.PutUint32(request[4:], 42)
	call(program.Call{Function: program.CallSubmit, Link: link, Buffer: request})
	call(program.Call{Function: program.CallRing, Link: link})
	require.Equal(t, uint32(42), (<-session.requests).id)
	require.Len(t, (<-session.frames).Data, 2*frame)

	// What does not fit behind its record is taken by itself.
	body := make([]byte, 40<<10)
	body[len(body)-1] = 1
	session.port.Post(boundary.KindAnswer, 42, 0, body)
	into := make([]byte, 64<<10)
	const header = 24
	require.Equal(t, header, call(program.Call{Function: program.CallDrain, Link: link, Buffer: into, Wait: 1000}))
	taken := make([]byte, len(body))
	require.Equal(t, len(body), call(program.Call{Function: program.CallTake, Link: link, Buffer: taken}))
	require.Equal(t, body, taken)
	drain := program.Call{Function: program.CallDrain, Link: link, Buffer: into, Wait: -1}
	require.Zero(t, call(drain))
	session.port.Post(boundary.KindEvent, 0, 0, []byte("{}"))
	n, err := syscall.Read(fd, make([]byte, 64))
	require.NoError(t, err)
	require.Equal(t, 2, n, "a new link is armed, and the drain has armed it again")

	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	port := uint32(listener.Addr().(*net.TCPAddr).Port)
	call(program.Call{Function: program.CallWake, Link: link, Last: port, Buffer: []byte("token")})
	connection, err := listener.Accept()
	require.NoError(t, err)
	defer func() { _ = connection.Close() }()
	token := make([]byte, len("token"))
	_, err = io.ReadFull(connection, token)
	require.NoError(t, err)
	require.Equal(t, "token", string(token))

	call(program.Call{Function: program.CallClose, Link: link})
	_, err = thread.Call(drain)
	require.ErrorIs(t, err, program.Closed)
	require.NoError(t, syscall.Close(fd))
}

func TestACallOfNoFunctionIsRefused(t *testing.T) {
	thread := program.Start()
	defer thread.End()
	for _, function := range []program.Function{0, program.CallClose + 1} {
		_, err := thread.Call(program.Call{Function: function})
		require.ErrorIs(t, err, program.Range)
	}
}
