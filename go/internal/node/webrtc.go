package node

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/webrtc"
)

// newWebRTC makes what falls back to WebRTC, unless the options say that nothing does.
func newWebRTC(n *Node, maxMessageSize int) (*webrtc.Service, error) {
	o := n.options
	if !o.WebRTCEnabled {
		return nil, nil
	}
	return webrtc.New(n.host, webrtc.Config{
		ICE:            webrtc.ICE{StunServers: o.ICEStunServers, TurnServers: turnServers(o.ICETurnServers)},
		IPs:            o.IPs,
		MaxMessageSize: maxMessageSize,
		Wait:           time.Duration(o.WebRTCWait) * time.Millisecond,
		Open:           func(p peer.ID, c *webrtc.Channel) { n.messaging.Carry(p, c) },
		Changed:        n.webRTCChanged,
	})
}

func turnServers(servers []TurnServer) []webrtc.TurnServer {
	converted := make([]webrtc.TurnServer, len(servers))
	for i, server := range servers {
		converted[i] = webrtc.TurnServer(server)
	}
	return converted
}

type webRTCEvent struct {
	Type        string             `json:"type"`
	Connections []webRTCConnection `json:"connections"`
}

type webRTCConnection struct {
	PeerID string `json:"peerId"`
	State  string `json:"state"`
}

func (n *Node) webRTCChanged(connections []webrtc.Connection) {
	event := webRTCEvent{"webrtc", make([]webRTCConnection, len(connections))}
	for i, connection := range connections {
		event.Connections[i] = webRTCConnection{connection.Peer.String(), "connecting"}
		if connection.Open {
			event.Connections[i].State = "open"
		}
	}
	n.post(event)
	n.peers.lookAgain()
}

// SetICE changes the servers for WebRTC connections that are made from now on; nil leaves them as they are.
func (n *Node) SetICE(stun *[]string, turn *[]TurnServer) {
	n.iceMu.Lock()
	defer n.iceMu.Unlock()
	if stun != nil {
		n.options.ICEStunServers = *stun
	}
	if turn != nil {
		n.options.ICETurnServers = *turn
	}
	if n.webrtc != nil {
		n.webrtc.SetICE(webrtc.ICE{StunServers: n.options.ICEStunServers, TurnServers: turnServers(n.options.ICETurnServers)})
	}
}
