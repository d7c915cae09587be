//go:build linux

package node

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/reuseport"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

// starving is set for the process of the test below that runs out of descriptors.
const starving = "P2P_TEST_STARVING"

// TestAListenerThatHadNoDescriptorsListensAgain: the node is in a process of its own, because every test of this one needs descriptors.
func TestAListenerThatHadNoDescriptorsListensAgain(t *testing.T) {
	if os.Getenv(starving) != "" {
		starve(t)
		return
	}
	bounded, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	command := exec.CommandContext(bounded, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	command.Env = append(os.Environ(), starving+"=1")
	command.Stderr = os.Stderr
	done, err := command.StdinPipe()
	require.NoError(t, err)
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = done.Close()
		require.NoError(t, command.Wait())
	})
	lines := bufio.NewReader(output)
	word := func(want string) string {
		for {
			line, err := lines.ReadString('\n')
			require.NoError(t, err, "waiting for %q", want)
			if text, found := strings.CutPrefix(strings.TrimSpace(line), want+" "); found {
				return text
			}
		}
	}
	addrs := strings.Split(word("listening"), ",")
	// Each connection takes a descriptor there as long as nothing is said on it.
	_, hostPort, _ := strings.Cut(addrs[0], "/ip4/127.0.0.1/tcp/")
	port, _, _ := strings.Cut(hostPort, "/")
	var conns []net.Conn
	for range 64 {
		conn, err := net.Dial("tcp4", "127.0.0.1:"+port)
		if err != nil {
			break
		}
		conns = append(conns, conn)
	}
	require.Contains(t, word("warning"), "/ip4/127.0.0.1/tcp/"+port)
	for _, conn := range conns {
		_ = conn.Close()
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	a := startNode(t, nil, "tcp", "ws")
	for _, text := range addrs {
		info, err := peer.AddrInfoFromString(text)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return a.dialer.dial(t.Context(), info.ID, info.Addrs) == nil }, 20*time.Second, 50*time.Millisecond, text)
		require.NoError(t, a.Disconnect(t.Context(), info.ID.String()))
	}
}

// starve runs a node with few descriptors left until its parent has seen enough.
func starve(t *testing.T) {
	options := testOptions(t)
	options.Transports = []string{"tcp", "ws"}
	n, port := newNode(t, options)
	n.Start()
	open, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	limit.Cur = uint64(len(open) + 12)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	var addrs []string
	for _, addr := range []string{"tcp", "ws"} {
		addrs = append(addrs, over(t, n, addr))
	}
	fmt.Println("listening", strings.Join(addrs, ","))
	fmt.Println("warning", await(t, port, "warning", 1)[0]["message"])
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func TestAListenAddressThatAnotherProgramHasByNowIsNotShared(t *testing.T) {
	n := startNode(t, nil, "tcp")
	addr, _ := peer.SplitAddr(ma.StringCast(over(t, n, "tcp")))
	n.listeners.close()
	n.host.Network().(interface{ ListenClose(...ma.Multiaddr) }).ListenClose(addr)
	// As libp2p listens, it shares a port with whoever shares it too.
	var other reuseport.Transport
	taken, err := other.Listen(addr)
	require.NoError(t, err)
	require.ErrorIs(t, n.listeners.open(addr), syscall.EADDRINUSE)
	require.NoError(t, taken.Close())
	require.NoError(t, n.listeners.open(addr))
	n.listeners = keepListening(n)
}
