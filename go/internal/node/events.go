package node

import (
	"encoding/json"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/messaging"
	"github.com/unaiverse/p2p/go/internal/pubsub"
)

// The events of docs/boundary.md, and the methods by which the packages below raise them.

type peerEvent struct {
	Type string   `json:"type"`
	Peer PeerInfo `json:"peer"`
}

type addressesEvent struct {
	Type      string   `json:"type"`
	Addresses []string `json:"addresses"`
}

type reachabilityEvent struct {
	Type         string `json:"type"`
	Reachability string `json:"reachability"`
	IsPublic     *bool  `json:"isPublic"`
}

type reservationEvent struct {
	Type      string   `json:"type"`
	Relay     string   `json:"relay"`
	Expires   *string  `json:"expires"`
	Addresses []string `json:"addresses"`
}

type reservationLostEvent struct {
	Type   string `json:"type"`
	Relay  string `json:"relay"`
	Reason string `json:"reason"`
}

type topicPeersEvent struct {
	Type  string   `json:"type"`
	Topic string   `json:"topic"`
	Peers []string `json:"peers"`
}

type inletEvent struct {
	Type      string `json:"type"`
	Inlet     uint32 `json:"inlet"`
	Peer      string `json:"peer,omitempty"`
	Transport string `json:"transport,omitempty"`
}

type outletLimitedEvent struct {
	Type    string `json:"type"`
	Outlet  uint32 `json:"outlet"`
	Limited bool   `json:"limited"`
}

type outletDownEvent struct {
	Type         string        `json:"type"`
	Outlet       uint32        `json:"outlet"`
	Peer         string        `json:"peer"`
	Code         boundary.Code `json:"code"`
	Message      string        `json:"message"`
	LostMessages int           `json:"lostMessages"`
	LostBytes    int           `json:"lostBytes"`
}

type dropEvent struct {
	Type     string `json:"type"`
	Reason   string `json:"reason"`
	Channel  string `json:"channel,omitempty"`
	Peer     string `json:"peer,omitempty"`
	Why      string `json:"why,omitempty"`
	Messages int    `json:"messages"`
	Bytes    int    `json:"bytes"`
	// UpTo: it is not known what arrived; the numbers are the most that can be lost.
	UpTo bool `json:"upTo,omitempty"`
}

type warningEvent struct {
	Type    string        `json:"type"`
	Code    boundary.Code `json:"code"`
	Message string        `json:"message"`
}

func (n *Node) post(event any) {
	body, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	n.port.Post(boundary.KindEvent, n.handle, 0, body)
}

// Warn raises a `warning` event; it implements pubsub.Events too.
func (n *Node) Warn(code boundary.Code, message string) {
	n.post(warningEvent{"warning", code, message})
}

// InletOpened implements messaging.Events and pubsub.Events.
func (n *Node) InletOpened(inlet uint32, p peer.ID, transport string) {
	n.post(inletEvent{"inlet", inlet, p.String(), transport})
}

// InletClosed implements messaging.Events and pubsub.Events.
func (n *Node) InletClosed(inlet uint32) {
	n.post(inletEvent{Type: "inletclosed", Inlet: inlet})
}

// OutletLimited implements messaging.Events.
func (n *Node) OutletLimited(outlet uint32, limited bool) {
	n.post(outletLimitedEvent{"outletlimited", outlet, limited})
}

// OutletDown implements messaging.Events.
func (n *Node) OutletDown(outlet uint32, p peer.ID, err *boundary.Error, lostMessages, lostBytes int) {
	n.post(outletDownEvent{"outletdown", outlet, p.String(), err.Code, err.Message, lostMessages, lostBytes})
}

// Lost implements messaging.Events.
func (n *Node) Lost(loss messaging.Loss) {
	n.post(dropEvent{Type: "drop", Reason: loss.Reason, Why: loss.Why, Peer: loss.Peer.String(), Messages: loss.Messages, Bytes: loss.Bytes, UpTo: loss.UpTo})
}

// TopicPeers implements pubsub.Events.
func (n *Node) TopicPeers(topic string, peers []peer.ID) {
	names := make([]string, len(peers))
	for i, p := range peers {
		names[i] = p.String()
	}
	n.post(topicPeersEvent{"topicpeers", topic, names})
}

// Dropped implements pubsub.Events.
func (n *Node) Dropped(d pubsub.Drop) {
	drop := dropEvent{Type: "drop", Reason: d.Reason, Channel: d.Topic, Messages: d.Messages, Bytes: d.Bytes, UpTo: d.UpTo}
	if d.Peer != "" {
		drop.Peer = d.Peer.String()
	}
	n.post(drop)
}
