package node

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/unaiverse/p2p/go/internal/guard"
)

// newcomerTime is how long a peer has to begin something on its connection before that may be closed for another.
var newcomerTime = 5 * time.Second

// room is made, where there is none for a peer that wants to connect, by closing the oldest connection that a stranger has made and on which
// nothing goes on. libp2p would refuse everybody for a minute. The peer that was refused has to come again.
type room struct {
	node   *Node
	making atomic.Bool
}

// make is called while a connection is refused, so it does not block. When crowded, it is from's own bound that is reached.
func (r *room) make(from netip.Addr, crowded bool) {
	if !r.making.CompareAndSwap(false, true) {
		return
	}
	guard.Go("node: room", func() {
		defer r.making.Store(false)
		var oldest network.Conn
		for _, conn := range r.node.host.Network().Conns() {
			if r.spare(conn, from, crowded) && (oldest == nil || conn.Stat().Opened.Before(oldest.Stat().Opened)) {
				oldest = conn
			}
		}
		if oldest != nil {
			_ = oldest.CloseWithError(network.ConnGarbageCollected)
		}
	})
}

func (r *room) spare(conn network.Conn, from netip.Addr, crowded bool) bool {
	stat, p := conn.Stat(), conn.RemotePeer()
	if stat.Direction != network.DirInbound || stat.NumStreams > 0 || time.Since(stat.Opened) < newcomerTime {
		return false
	}
	if at, known := addressOf(conn.RemoteMultiaddr()); !known || crowded && at != from {
		return false
	}
	connections := r.node.host.ConnManager()
	tags := connections.GetTagInfo(p)
	return !connections.IsProtected(p, "") && (tags == nil || tags.Value <= 0)
}
