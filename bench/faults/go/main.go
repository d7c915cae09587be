// A peer that does what no honest peer does, for bench/faults. It takes the attack as one JSON argument, goes on with it until its standard
// input ends, and then prints what it has done as a line of JSON. `deno run -A bench/faults.ts floods` starts it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multiaddr"
)

const (
	chatProtocol  protocol.ID = "/unaiverse/chat/1.0.0"
	topicProtocol protocol.ID = "/meshsub/1.1.0"
	offerProtocol protocol.ID = "/unaiverse/webrtc-signal/1.0.0"
	// pause is how long an attacker rests that was refused.
	pause = 50 * time.Millisecond
)

// attack is one kind of flood, and what it has done.
type attack struct {
	Kind string
	// To is the victim's address, with its peer id.
	To string
	// Peers is how many identities take part.
	Peers int
	// Topic is one that the victim is in.
	Topic string

	ctx    context.Context
	target peer.AddrInfo
	mu     sync.Mutex
	counts map[string]int
}

func main() {
	a := &attack{Peers: 1, counts: map[string]int{}}
	if len(os.Args) != 2 || json.Unmarshal([]byte(os.Args[1]), a) != nil {
		fmt.Fprintln(os.Stderr, `usage: attacker '{"kind": "subscriptions", "to": "/ip4/…"}'; started by bench/faults.ts`)
		os.Exit(2)
	}
	attacks := map[string]func(){
		"badly signed":  a.badlySigned,
		"connections":   a.connections,
		"deaf":          a.deaf,
		"offers":        a.offers,
		"short-lived":   a.shortLived,
		"strangers":     a.strangers,
		"subscriptions": a.subscriptions,
		"unfinished":    a.unfinished,
		"visited":       a.visited,
	}
	run := attacks[a.Kind]
	if run == nil {
		check(fmt.Errorf("there is no attack %q", a.Kind))
	}
	address, err := multiaddr.NewMultiaddr(a.To)
	check(err)
	target, err := peer.AddrInfoFromP2pAddr(address)
	check(err)
	a.target = *target
	ctx, end := context.WithCancel(context.Background())
	a.ctx = ctx
	ended := make(chan struct{})
	go func() {
		run()
		close(ended)
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	end()
	select {
	case <-ended:
	case <-time.After(2 * time.Second):
	}
	a.mu.Lock()
	print(map[string]any{"done": a.counts})
	os.Exit(0)
}

var printing sync.Mutex

func print(line any) {
	text, _ := json.Marshal(line)
	printing.Lock()
	fmt.Println(string(text))
	printing.Unlock()
}

func check(err error) {
	if err != nil {
		print(map[string]any{"error": err.Error()})
		os.Exit(1)
	}
}

func (a *attack) count(what string, n int) {
	a.mu.Lock()
	a.counts[what] += n
	a.mu.Unlock()
}

// identity is a host with a key of its own.
func identity(options ...libp2p.Option) host.Host {
	h, err := libp2p.New(append([]libp2p.Option{libp2p.DisableRelay(), libp2p.DisableMetrics(), libp2p.ResourceManager(&network.NullResourceManager{})}, options...)...)
	check(err)
	return h
}

// connected is an identity that has reached the victim, nil when it was refused.
func (a *attack) connected(options ...libp2p.Option) host.Host {
	h := identity(append(options, libp2p.NoListenAddrs)...)
	ctx, cancel := context.WithTimeout(a.ctx, 5*time.Second)
	defer cancel()
	if err := h.Connect(ctx, a.target); err != nil {
		a.count("connections refused", 1)
		_ = h.Close()
		a.rest()
		return nil
	}
	a.count("connections", 1)
	return h
}

// each runs fn for as many identities at once as take part, over and over; fn returns when the victim has turned it away.
func (a *attack) each(fn func(h host.Host)) {
	var wg sync.WaitGroup
	for range a.Peers {
		wg.Go(func() {
			for a.ctx.Err() == nil {
				if h := a.connected(); h != nil {
					fn(h)
					_ = h.Close()
				}
				a.rest()
			}
		})
	}
	wg.Wait()
}

func (a *attack) rest() {
	select {
	case <-time.After(pause):
	case <-a.ctx.Done():
	}
}

// stream opens one to the victim, nil when it was refused.
func (a *attack) stream(h host.Host, id protocol.ID) network.Stream {
	str, err := h.NewStream(a.ctx, a.target.ID, id)
	if err != nil {
		a.count("streams refused", 1)
		return nil
	}
	a.count("streams", 1)
	return str
}

// write writes until the stream breaks or the attack ends; it says whether the stream is whole.
func (a *attack) write(str network.Stream, data []byte) bool {
	defer context.AfterFunc(a.ctx, func() { _ = str.Reset() })()
	n, err := str.Write(data)
	a.count("bytes", n)
	return err == nil
}
