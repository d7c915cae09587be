package node

import (
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/messaging"
	"github.com/unaiverse/p2p/go/internal/webrtc"
)

// startingTime is how long a peer may be connected without one of this network's protocols: a Python node that is still starting has none of
// them for up to 30 s.
var startingTime = 40 * time.Second

// isolation disconnects peers that do not belong to this network. All methods may be called on nil, which is a node that takes everybody.
type isolation struct {
	node *Node
	// exempt are the peers that the options name: relays and bootstrap peers.
	exempt []peer.ID

	mu      sync.Mutex
	closed  bool
	waiting map[peer.ID]*time.Timer
}

func newIsolation(n *Node) (*isolation, error) {
	if !n.options.IsIsolated {
		return nil, nil
	}
	named, err := n.options.named()
	if err != nil {
		return nil, err
	}
	return &isolation{node: n, exempt: named, waiting: map[peer.ID]*time.Timer{}}, nil
}

// look judges a peer by what it says of itself, whenever that changes.
func (i *isolation) look(p peer.ID) {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed || i.belongs(p) {
		i.forgetLocked(p)
		return
	}
	if i.waiting[p] == nil {
		i.waiting[p] = time.AfterFunc(startingTime, func() { guard.Do("node: isolation", func() { i.judge(p) }) })
	}
}

func (i *isolation) forgetLocked(p peer.ID) {
	if timer := i.waiting[p]; timer != nil {
		timer.Stop()
		delete(i.waiting, p)
	}
}

func (i *isolation) judge(p peer.ID) {
	i.mu.Lock()
	delete(i.waiting, p)
	stays := i.closed || i.belongs(p)
	i.mu.Unlock()
	if stays || i.node.host.Network().Connectedness(p) == network.NotConnected {
		return
	}
	i.node.Warn(isolated, "peer "+p.String()+" does not speak this network's protocols and was disconnected")
	_ = i.node.host.Network().ClosePeer(p)
	i.node.host.Peerstore().ClearAddrs(p)
}

func (i *isolation) belongs(p peer.ID) bool {
	if slices.Contains(i.exempt, p) || i.node.relays.Uses(p) {
		return true
	}
	known, err := i.node.host.Peerstore().SupportsProtocols(p, messaging.Protocol, webrtc.Protocol)
	return err == nil && len(known) > 0
}

func (i *isolation) close() {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	for p := range i.waiting {
		i.forgetLocked(p)
	}
}

// isolated is a code of a warning.
const isolated boundary.Code = "ISOLATED"
