package node

import (
	"slices"
	"strings"
	"sync"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
)

// watcher follows the host's event bus: the node's own addresses, its reachability, and what peers say of themselves.
type watcher struct {
	node         *Node
	subscription event.Subscription
	isPublic     *bool
	done         chan struct{}
	// heard is the verdict of AutoNAT v1 on the node; confirmed means that v2 has found an address of it that others reach.
	heard     network.Reachability
	confirmed bool
	// told is the verdict that JavaScript has.
	told network.Reachability

	// mu guards addresses, those that JavaScript has.
	mu        sync.Mutex
	addresses []string
}

func newWatcher(n *Node) (*watcher, error) {
	subscription, err := n.host.EventBus().Subscribe([]any{
		new(event.EvtLocalAddressesUpdated), new(event.EvtLocalReachabilityChanged), new(event.EvtHostReachableAddrsChanged),
		new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerProtocolsUpdated),
	}, eventbus.BufSize(256), eventbus.Name("node"))
	if err != nil {
		return nil, boundary.Errorf(boundary.Internal, "no event bus: %w", err)
	}
	w := &watcher{node: n, subscription: subscription, done: make(chan struct{})}
	if n.options.KnowsIsPublic {
		isPublic := true
		w.isPublic = &isPublic
	}
	guard.Go("node: events", w.run)
	return w, nil
}

func (w *watcher) run() {
	defer close(w.done)
	if <-w.node.gate.opened; !w.node.gate.allowed {
		return
	}
	guard.Do("node: events", w.changedAddresses)
	for e := range w.subscription.Out() {
		// Whoever does not read the event bus any more holds up all who write to it.
		guard.Do("node: events", func() { w.handle(e) })
	}
}

func (w *watcher) handle(e any) {
	switch e := e.(type) {
	case event.EvtLocalAddressesUpdated:
		w.changedAddresses()
	case event.EvtLocalReachabilityChanged:
		w.heard = e.Reachability
		w.changedReachability()
	case event.EvtHostReachableAddrsChanged:
		w.confirmed = len(e.Reachable) > 0
		w.changedReachability()
	case event.EvtPeerIdentificationCompleted:
		w.node.friends.identified(e.Conn)
		w.node.peers.look(e.Peer)
		w.node.isolation.look(e.Peer)
	case event.EvtPeerProtocolsUpdated:
		w.node.peers.look(e.Peer)
		w.node.isolation.look(e.Peer)
	}
}

// begin says which addresses JavaScript has from the start.
func (w *watcher) begin(addresses []string) {
	w.mu.Lock()
	w.addresses = addresses
	w.mu.Unlock()
}

func (w *watcher) changedAddresses() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if addresses := addressesOf(w.node.host); !slices.Equal(addresses, w.addresses) {
		w.addresses = addresses
		w.node.post(addressesEvent{"addresses", addresses})
	}
}

// changedReachability: "unknown" takes no earlier verdict back, and an address that others reach outweighs a doubt about the node.
func (w *watcher) changedReachability() {
	reachability := w.heard
	if w.confirmed {
		reachability = network.ReachabilityPublic
	}
	if reachability == w.told {
		return
	}
	w.told = reachability
	name := "unknown"
	switch reachability {
	case network.ReachabilityPublic, network.ReachabilityPrivate:
		isPublic := reachability == network.ReachabilityPublic
		w.isPublic = &isPublic
		name = "private"
		if isPublic {
			name = "public"
		}
		w.node.dht.verdict()
	}
	w.node.post(reachabilityEvent{"reachability", name, w.isPublic})
}

func (w *watcher) close() {
	_ = w.subscription.Close()
	<-w.done
}

// addressesOf is the host's own addresses, each with its peer id, always in the same order. Those with a wildcard are for listening only.
func addressesOf(h host.Host) []string {
	addrs := withPeerID(peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
	return slices.DeleteFunc(addrs, func(addr string) bool { return strings.Contains(addr, "*") })
}

func withPeerID(info peer.AddrInfo) []string {
	addrs := make([]string, len(info.Addrs))
	for i, addr := range info.Addrs {
		addrs[i] = addr.String() + "/p2p/" + info.ID.String()
	}
	slices.Sort(addrs)
	return slices.Compact(addrs)
}
