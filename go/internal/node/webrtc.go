package node

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/webrtc"
)

// newWebRTC makes what falls back to WebRTC, unless the options say that nothing does.
func newWebRTC(n *Node) (*webrtc.Service, error) {
	o := n.options
	ice := iceOf(o.ICEStunServers, o.ICETurnServers)
	if !o.WebRTCEnabled {
		_, err := ice.Servers()
		return nil, err
	}
	return webrtc.New(n.host, webrtc.Config{
		ICE:     ice,
		IPs:     o.IPs,
		Wait:    time.Duration(o.WebRTCWait) * time.Millisecond,
		Open:    func(p peer.ID, c *webrtc.Channel) { n.messaging.Carry(p, c) },
		Changed: n.webRTCChanged,
	})
}

func iceOf(stun []string, turn []TurnServer) webrtc.ICE {
	ice := webrtc.ICE{StunServers: stun, TurnServers: make([]webrtc.TurnServer, len(turn))}
	for i, server := range turn {
		ice.TurnServers[i] = webrtc.TurnServer(server)
	}
	return ice
}

type webRTCEvent struct {
	Type        string             `json:"type"`
	Connections []webRTCConnection `json:"connections"`
}

type webRTCConnection struct {
	PeerID string `json:"peerId"`
	State  string `json:"state"`
}

// webRTCChanged tells first what a channel means for its peer: who hears of the channel knows that already.
func (n *Node) webRTCChanged(connections []webrtc.Connection) {
	event := webRTCEvent{"webrtc", make([]webRTCConnection, len(connections))}
	open := map[peer.ID]bool{}
	for i, connection := range connections {
		event.Connections[i] = webRTCConnection{connection.Peer.String(), "connecting"}
		if connection.Open {
			event.Connections[i].State = "open"
			open[connection.Peer] = true
		}
	}
	before := n.channels
	n.channels = open
	for p := range open {
		if !before[p] {
			n.peers.look(p)
		}
	}
	for p := range before {
		if !open[p] {
			n.peers.look(p)
		}
	}
	n.post(event)
}

// SetICE changes the servers for WebRTC connections that are made from now on; nil leaves them as they are. When one of them cannot be used,
// nothing changes.
func (n *Node) SetICE(stun *[]string, turn *[]TurnServer) error {
	n.iceMu.Lock()
	defer n.iceMu.Unlock()
	if stun == nil {
		stun = &n.options.ICEStunServers
	}
	if turn == nil {
		turn = &n.options.ICETurnServers
	}
	if err := n.setICE(iceOf(*stun, *turn)); err != nil {
		return err
	}
	n.options.ICEStunServers, n.options.ICETurnServers = *stun, *turn
	return nil
}

func (n *Node) setICE(ice webrtc.ICE) error {
	if n.webrtc == nil {
		_, err := ice.Servers()
		return err
	}
	return n.webrtc.SetICE(ice)
}
