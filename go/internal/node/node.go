// Package node is one libp2p node: it makes the host from the options, starts what works on top of it, tells JavaScript what happens, and
// ends all of it again.
package node

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/certificates"
	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/identity"
	"github.com/unaiverse/p2p/go/internal/messaging"
	"github.com/unaiverse/p2p/go/internal/pubsub"
	"github.com/unaiverse/p2p/go/internal/relay"
	"github.com/unaiverse/p2p/go/internal/webrtc"
)

// Node is a running node.
type Node struct {
	handle     uint32
	port       boundary.Port
	options    *Options
	identity   *identity.Identity
	gate       *gate
	advertised *advertised
	// certificate is what secure WebSockets show, nil when they are plain; automatic is the same when it is kept automatically.
	certificate certificate
	automatic   *certificates.Automatic
	host        host.Host
	dialer      *dialer
	friends     *friends
	listeners   *listeners
	reminders   *reminders
	messaging   *messaging.Service
	pubsub      *pubsub.Service
	relays      *relay.Reservations
	webrtc      *webrtc.Service
	// channels are the peers that webrtc was last told to have a channel with.
	channels map[peer.ID]bool
	// iceMu guards the ICE servers of options.
	iceMu     sync.Mutex
	isolation *isolation
	peers     *peers
	watcher   *watcher
	dht       *directory
	created   Created
	closing   sync.Once
	closed    chan struct{}
}

// Created is the answer to CREATE.
type Created struct {
	Node      uint32   `json:"node"`
	PeerID    string   `json:"peerId"`
	Addresses []string `json:"addresses"`
	IsPublic  *bool    `json:"isPublic"`
}

// New returns when the node listens, without waiting for its reachability. Nothing happens on it, and nothing is told of it, before Start.
// When it fails, or ctx ends first, nothing is left behind.
func New(ctx context.Context, port boundary.Port, options *Options, maxMessageSize int) (n *Node, err error) {
	n = &Node{handle: boundary.NextHandle(), port: port, options: options, gate: newGate(), advertised: &advertised{}, closed: make(chan struct{})}
	defer func() {
		if err != nil {
			n.Close(0)
			n = nil
		}
	}()
	if n.identity, err = identity.Open(options.IdentityDir); err != nil {
		return
	}
	if err = n.openCertificate(); err != nil {
		return
	}
	limits := limitsOf(options.Limits, maxMessageSize)
	if err = n.openHost(limits); err != nil {
		return
	}
	// Protocols come before listening: an isolated Python node turns away a peer that does not have the chat protocol from the start.
	n.messaging = messaging.New(n.host, messaging.Config{
		MaxMessageSize: maxMessageSize, Unread: options.Limits.unread(), UnfinishedMemory: unfinishedMemory(limits), Port: port, Events: n,
		Dial: n.dialForMessages,
	})
	n.pubsub, err = pubsub.New(n.host, pubsub.Config{
		FloodSub: options.FloodSub, MaxMessageSize: maxMessageSize, MaxTopicMessageSize: options.MaxTopicMessageSize, Port: port, Events: n,
	})
	if err != nil {
		return
	}
	if n.relays, err = relay.New(n.host, n, n.dialForRelay); err != nil {
		return
	}
	n.advertised.add(n.withCircuits)
	n.peers = newPeers(n)
	if n.webrtc, err = newWebRTC(n); err != nil {
		return
	}
	if n.isolation, err = newIsolation(n); err != nil {
		return
	}
	n.peers.follow()
	if n.dht, err = newDirectory(n.host, options); err != nil {
		return
	}
	if n.watcher, err = newWatcher(n); err != nil {
		return
	}
	if err = ctx.Err(); err != nil {
		return
	}
	if err = listen(ctx, n.host, options, n.certificate); err != nil {
		return
	}
	n.listeners = keepListening(n)
	n.created = Created{Node: n.handle, PeerID: n.host.ID().String(), Addresses: addressesOf(n.host), IsPublic: n.watcher.isPublic}
	n.watcher.begin(n.created.Addresses)
	return
}

// Handle is the number by which requests and events name the node.
func (n *Node) Handle() uint32 { return n.handle }

// Created describes the node to JavaScript as it was made.
func (n *Node) Created() Created { return n.created }

// Start lets the node take part in the network. JavaScript has been told of it by now, so that no event or message comes before that.
func (n *Node) Start() {
	n.gate.open(true)
	n.dht.start()
	if n.automatic != nil {
		if err := n.automatic.Start(n.host); err != nil {
			n.Warn(boundary.CertificateInvalid, "no automatic certificate: "+err.Error())
		}
	}
}

// Subscribe returns when the subscription is live.
func (n *Node) Subscribe(topic string) error { return n.pubsub.Subscribe(topic) }

// Unsubscribe returns when the topic has been left.
func (n *Node) Unsubscribe(topic string) error { return n.pubsub.Unsubscribe(topic) }

// Publish returns when the router has taken the message. data is the node's from then on.
func (n *Node) Publish(ctx context.Context, topic string, data []byte) error {
	return n.pubsub.Publish(ctx, topic, data)
}

// Enqueue takes frames over for their outlet.
func (n *Node) Enqueue(frames boundary.Frames) { n.messaging.Enqueue(frames) }

// CloseOutlet forgets an outlet when what it holds has been written.
func (n *Node) CloseOutlet(outlet uint32) { n.messaging.CloseOutlet(outlet) }

// Credit takes back what messages of an inlet cost; an inlet that is not this node's is ignored.
func (n *Node) Credit(inlet uint32, cost int) {
	n.messaging.Credit(inlet, cost)
	n.pubsub.Credit(inlet, cost)
}

// Held counts what the node keeps of peers, channels and topics, by kind, for whoever wants to know that nothing stays.
func (n *Node) Held() map[string]int {
	held := n.messaging.Held()
	if n.webrtc != nil {
		held["webrtc"] = n.webrtc.Held()
	}
	n.peers.mu.Lock()
	held["connected"] = len(n.peers.known)
	n.peers.mu.Unlock()
	return held
}

// Close ends the node, and returns when nothing runs any more. What was accepted may take as long as flush to leave; what the peers did not take
// by then is told. Every call waits for the end, and the first sets the time.
func (n *Node) Close(flush time.Duration) {
	n.closing.Do(func() {
		defer close(n.closed)
		guard.Do("node: close", func() { n.close(flush) })
	})
	<-n.closed
}

func (n *Node) close(flush time.Duration) {
	if n.identity != nil {
		defer n.identity.Close()
	}
	if n.webrtc != nil {
		n.webrtc.Stop()
	}
	ctx, cancel := context.WithTimeout(context.Background(), flush)
	defer cancel()
	var flushed sync.WaitGroup
	flushed.Add(2)
	guard.Go("node: flush", func() {
		defer flushed.Done()
		if n.messaging != nil {
			n.messaging.Close(ctx)
		}
	})
	guard.Go("node: flush", func() {
		defer flushed.Done()
		if n.pubsub != nil {
			n.pubsub.Flush(ctx)
			n.pubsub.Close()
		}
	})
	flushed.Wait()
	if n.automatic != nil {
		n.automatic.Stop()
	}
	n.isolation.close()
	if n.webrtc != nil {
		n.webrtc.Close()
	}
	if n.relays != nil {
		n.relays.Close()
	}
	n.gate.open(false)
	n.listeners.close()
	n.reminders.close()
	n.dht.close()
	if n.host != nil {
		closeConnections(n.host.Network())
		_ = n.host.Close()
	}
	if n.watcher != nil {
		n.watcher.close()
	}
}

// closeConnections comes before the host closes what it listens on: that is how WebRTC-direct tells a peer of the end, who would else find out
// half a minute later.
func closeConnections(net network.Network) {
	var closing sync.WaitGroup
	for _, p := range net.Peers() {
		closing.Add(1)
		guard.Go("node: close connections", func() {
			defer closing.Done()
			_ = net.ClosePeer(p)
		})
	}
	closing.Wait()
}
