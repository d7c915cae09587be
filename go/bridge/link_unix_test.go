//go:build unix

package bridge

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/bridge/program"
	"github.com/unaiverse/p2p/go/internal/boundary"
)

func (js *jsEnd) fd() int {
	fd, err := js.FD()
	require.NoError(js.t, err)
	return fd
}

func isOpen(fd int) bool {
	var stat syscall.Stat_t
	return syscall.Fstat(fd, &stat) == nil
}

// A terminated Worker of Deno leaves its end of the wake socket open; Bun closes it.
func TestALinkWhoseThreadHasEndedEndsToo(t *testing.T) {
	for name, flags := range map[string]uint32{"and its wake socket": program.CloseFD, "and leaves the socket to its adopter": 0} {
		t.Run(name, func(t *testing.T) {
			js := startLink(t, flags)
			fd := js.fd()
			js.Thread.End()
			js.awaitClosed()
			require.Equal(t, flags == 0, isOpen(fd))
			if flags == 0 {
				require.NoError(t, syscall.Close(fd))
			}
		})
	}
}

func TestANumberThatIsAnotherDescriptorsByNowIsLeftAlone(t *testing.T) {
	js := startLink(t, program.CloseFD)
	fd := js.fd()
	other, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer func() { _ = other.Close() }()
	// The adopter has closed its end, and somebody else got the number.
	require.NoError(t, syscall.Dup2(int(other.Fd()), fd))
	js.Thread.End()
	js.awaitClosed()
	require.True(t, isOpen(fd))
	require.NoError(t, syscall.Close(fd))
}

func TestOnlyADrainThatFoundNothingArmsTheWakeByte(t *testing.T) {
	js := openLink(t)
	wake := func() (bytes int) {
		n, err := syscall.Read(js.fd(), make([]byte, 64))
		if errors.Is(err, syscall.EAGAIN) {
			return 0
		}
		require.NoError(t, err)
		return n
	}
	post := func() { js.Port().Post(boundary.KindEvent, 0, 0, []byte("{}")) }
	sleep := func() {
		n, err := js.Link.Drain(js.buffer, -1)
		require.NoError(t, err)
		require.Zero(t, n)
	}
	// A new link is armed.
	post()
	post()
	require.Equal(t, 1, wake())
	require.Len(t, js.Drain(), 2)
	post()
	require.Zero(t, wake(), "nothing was armed")
	n, err := js.Link.Drain(js.buffer, -1)
	require.NoError(t, err)
	require.Positive(t, n)
	post()
	require.Zero(t, wake(), "a drain that found something does not arm")
	require.Len(t, js.Drain(), 1)
	sleep()
	require.Zero(t, wake())
	post()
	post()
	require.Equal(t, 1, wake())
}

// Whoever is started by another thread in the moment in which a link opens must not get the link's descriptors.
func TestNoChildProcessGetsADescriptorOfALink(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("macOS has no call that makes a pipe close-on-exec")
	}
	sockets := func() int {
		listed, err := exec.CommandContext(t.Context(), "ls", "-l", "/proc/self/fd").Output()
		require.NoError(t, err)
		return bytes.Count(listed, []byte("socket:"))
	}
	before := sockets()
	over := make(chan struct{})
	opened := make(chan struct{})
	go func() {
		defer close(opened)
		for {
			select {
			case <-over:
				return
			default:
				js := startLink(t, program.CloseFD)
				js.Thread.End()
			}
		}
	}()
	for range 600 {
		require.Equal(t, before, sockets())
	}
	close(over)
	<-opened
}
