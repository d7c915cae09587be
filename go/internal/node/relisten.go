package node

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
)

// relistenPause is how long after a listener has ended, or could not be opened again, that is tried.
const relistenPause = time.Second

// listeners opens listeners again that end while the node lives. libp2p gives one up for good when it cannot accept a connection, for want of
// descriptors most often, and says so in its log alone.
type listeners struct {
	node *Node
	ctx  context.Context
	stop context.CancelFunc
	done chan struct{}
	// ended wakes run.
	ended    chan struct{}
	notified *network.NotifyBundle

	mu   sync.Mutex
	lost []ma.Multiaddr
}

// keepListening begins once the node listens.
func keepListening(n *Node) *listeners {
	l := &listeners{node: n, done: make(chan struct{}), ended: make(chan struct{}, 1)}
	l.ctx, l.stop = context.WithCancel(context.Background())
	opened := n.host.Network().ListenAddresses()
	l.notified = &network.NotifyBundle{ListenCloseF: func(_ network.Network, addr ma.Multiaddr) {
		guard.Do("node: listeners", func() {
			if slices.ContainsFunc(opened, addr.Equal) {
				l.lose(addr)
			}
		})
	}}
	n.host.Network().Notify(l.notified)
	guard.Go("node: listeners", l.run)
	return l
}

func (l *listeners) lose(addr ma.Multiaddr) {
	l.mu.Lock()
	l.lost = append(l.lost, addr)
	l.mu.Unlock()
	select {
	case l.ended <- struct{}{}:
	default:
	}
}

func (l *listeners) run() {
	defer close(l.done)
	for {
		select {
		case <-l.ended:
			guard.Do("node: listeners", l.reopen)
		case <-l.ctx.Done():
			return
		}
	}
}

// reopen waits before each attempt: all that shared a socket ends with it, and what is opened before the last of them has ended ends too.
func (l *listeners) reopen() {
	var told []ma.Multiaddr
	for {
		select {
		case <-time.After(relistenPause):
		case <-l.ctx.Done():
			return
		}
		l.mu.Lock()
		lost := l.lost
		l.lost = nil
		l.mu.Unlock()
		if len(lost) == 0 {
			return
		}
		if fresh := slices.DeleteFunc(slices.Clone(lost), func(addr ma.Multiaddr) bool { return slices.ContainsFunc(told, addr.Equal) }); len(fresh) > 0 {
			told = append(told, fresh...)
			l.node.Warn(boundary.ListenFailed, "this node stopped listening on "+joined(fresh)+
				", for want of descriptors most often; it listens again as soon as it can")
		}
		for _, addr := range lost {
			if l.open(withoutHashes(addr)) != nil {
				l.mu.Lock()
				l.lost = append(l.lost, addr)
				l.mu.Unlock()
			}
		}
	}
}

// open listens again, unless somebody else has the port by now, with whom libp2p would share it.
func (l *listeners) open(addr ma.Multiaddr) error {
	port, _ := socket(addr)
	shared := slices.ContainsFunc(l.node.host.Network().ListenAddresses(), func(other ma.Multiaddr) bool {
		its, _ := socket(other)
		return its == port
	})
	if network, hostPort, err := manet.DialArgs(addr); err == nil && !shared {
		if err := (listenAddr{addr, network, hostPort}).probe(); err != nil {
			return err
		}
	}
	return l.node.host.Network().Listen(addr)
}

func (l *listeners) close() {
	if l == nil {
		return
	}
	l.node.host.Network().StopNotify(l.notified)
	l.stop()
	<-l.done
}

// withoutHashes is an address to listen on; those of certificates that are made anew are not part of it.
func withoutHashes(addr ma.Multiaddr) ma.Multiaddr {
	return slices.DeleteFunc(slices.Clone(addr), func(c ma.Component) bool { return c.Protocol().Code == ma.P_CERTHASH })
}

func joined(addrs []ma.Multiaddr) string {
	texts := make([]string, len(addrs))
	for i, addr := range addrs {
		texts[i] = addr.String()
	}
	return strings.Join(texts, " and ")
}
