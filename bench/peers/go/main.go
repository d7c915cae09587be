// A plain go-libp2p program that does the work of bench/peers: what the native library could be at best. It takes the work as one JSON argument
// and prints lines of JSON: {"listening": [addresses]}, then {"result": {…}}. It ends with its standard input.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// work is what is to be done; docs/performance.md says what each field means.
type work struct {
	Work      string
	Role      string
	Transport string
	To        []string
	Size      int
	Ms        int
	WarmMs    int
	Count     int
	EveryMs   int
	Nodes     int
	Topics    int
	Gather    bool
	Queues    int
}

func main() {
	var w work
	if len(os.Args) != 2 || json.Unmarshal([]byte(os.Args[1]), &w) != nil {
		fmt.Fprintln(os.Stderr, `usage: peer '{"work": "frames", "role": "receive", …}'; started by deno task bench:peers`)
		os.Exit(2)
	}
	run := map[string]func(work) any{
		"frames receive":   receiveFrames,
		"frames send":      sendFrames,
		"pingpong receive": receivePings,
		"pingpong send":    sendPings,
		"topic receive":    subscribe,
		"topic send":       publish,
		"mesh send":        mesh,
		"start receive":    start,
		"dial receive":     start,
		"dial send":        dial,
	}[w.Work+" "+w.Role]
	if run == nil {
		print(map[string]any{"error": "not done by this program: " + w.Work + " " + w.Role})
		return
	}
	if result := run(w); result != nil {
		print(map[string]any{"result": result})
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func print(line any) {
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

func check(err error) {
	if err != nil {
		print(map[string]any{"error": err.Error()})
		os.Exit(1)
	}
}

func newHost(w work) host.Host {
	address := map[string]string{"tcp": "/ip4/127.0.0.1/tcp/0", "quic": "/ip4/127.0.0.1/udp/0/quic-v1"}[w.Transport]
	h, err := libp2p.New(libp2p.ListenAddrStrings(address), libp2p.DisableRelay())
	check(err)
	return h
}

func tell(h host.Host) {
	addresses, err := peer.AddrInfoToP2pAddrs(host.InfoFromHost(h))
	check(err)
	print(map[string]any{"listening": addresses})
}

func target(w work) peer.AddrInfo {
	address, err := multiaddr.NewMultiaddr(w.To[0])
	check(err)
	info, err := peer.AddrInfoFromP2pAddr(address)
	check(err)
	return *info
}

func start(w work) any {
	for i := range max(1, w.Nodes) {
		h := newHost(w)
		if i == 0 {
			tell(h)
		}
	}
	return nil
}

// cpu is the processor time that this process has taken, in seconds.
func cpu() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// percentiles of durations, in microseconds.
func percentiles(times []time.Duration) map[string]any {
	slices.Sort(times)
	at := func(share float64) float64 {
		return float64(times[int(share*float64(len(times)-1))].Nanoseconds()) / 1e3
	}
	return map[string]any{"p50": at(0.5), "p99": at(0.99), "count": len(times)}
}
