package node

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/transports"
)

// PeerInfo is a connected peer as JavaScript sees it.
type PeerInfo struct {
	ID          string    `json:"id"`
	Addrs       []string  `json:"addrs"`
	ConnectedAt time.Time `json:"connectedAt"`
	Direction   string    `json:"direction"`
	Misc        int       `json:"misc"`
	Relayed     bool      `json:"relayed"`
	Transport   string    `json:"transport"`
}

// peers announces who is connected: for each peer one peerconnect, then peerupdates, then one peerdisconnect. Libp2p's notifications of
// several connections may overlap, so each of them only says which peer to look at.
type peers struct {
	node  *Node
	mu    sync.Mutex
	known map[peer.ID]*connectedPeer
}

type connectedPeer struct {
	info PeerInfo
	// told is the info that JavaScript has.
	told []byte
}

func newPeers(n *Node) *peers { return &peers{node: n, known: map[peer.ID]*connectedPeer{}} }

// follow begins to look at connections as they come and go.
func (p *peers) follow() {
	look := func(_ network.Network, conn network.Conn) {
		guard.Do("node: connections", func() { p.look(conn.RemotePeer()) })
	}
	p.node.host.Network().Notify(&network.NotifyBundle{ConnectedF: look, DisconnectedF: look})
}

// look compares what was announced of a peer with its connections, and announces the difference.
func (p *peers) look(id peer.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	conns := p.node.host.Network().ConnsToPeer(id)
	known := p.known[id]
	channel := p.node.webrtc != nil && p.node.webrtc.Connected(id)
	if len(conns) == 0 && known != nil && channel {
		known.info.Relayed, known.info.Transport = false, "webrtc"
		p.tell("peerupdate", known)
		return
	}
	if len(conns) == 0 {
		if known != nil {
			delete(p.known, id)
			if !p.node.gate.isParting(id) {
				p.node.friends.departed(id)
			}
			p.node.post(peerEvent{"peerdisconnect", known.info})
		}
		return
	}
	best := slices.MinFunc(conns, preferred)
	event := "peerupdate"
	if known == nil {
		event = "peerconnect"
		known = &connectedPeer{info: PeerInfo{
			ID: id.String(), ConnectedAt: best.Stat().Opened.UTC(), Direction: direction(best.Stat().Direction),
		}}
		p.known[id] = known
		p.node.isolation.look(id)
	}
	known.info.Addrs = p.addrs(id, best)
	known.info.Relayed = transports.Relayed(best) && !channel
	known.info.Transport = transports.Name(best)
	if channel && transports.Relayed(best) {
		known.info.Transport = "webrtc"
	}
	p.tell(event, known)
}

// tell announces what JavaScript does not have yet.
func (p *peers) tell(event string, known *connectedPeer) {
	told, err := json.Marshal(known.info)
	if err != nil {
		panic(err)
	}
	if !bytes.Equal(told, known.told) {
		known.told = told
		p.node.post(peerEvent{event, known.info})
	}
}

// addrs are those at which a peer can be dialled, or else where it is.
func (p *peers) addrs(id peer.ID, best network.Conn) []string {
	addrs := []string{}
	for _, addr := range p.node.dialer.book.all(id) {
		addrs = append(addrs, addr.String())
	}
	if len(addrs) == 0 {
		addrs = append(addrs, best.RemoteMultiaddr().String())
	}
	slices.Sort(addrs)
	return addrs
}

// preferred orders connections: direct ones first, then the older.
func preferred(a, b network.Conn) int {
	if transports.Relayed(a) != transports.Relayed(b) {
		if transports.Relayed(b) {
			return -1
		}
		return 1
	}
	return a.Stat().Opened.Compare(b.Stat().Opened)
}

func direction(d network.Direction) string {
	if d == network.DirOutbound {
		return "outbound"
	}
	return "inbound"
}
