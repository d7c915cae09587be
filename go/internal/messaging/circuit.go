package messaging

import (
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

const (
	// circuitReserve is what a relayed connection needs besides messages: handshakes, identify and its updates, the descriptions that WebRTC
	// exchanges, pings.
	circuitReserve = 24 << 10
	// circuitMargin is how long before its end a circuit takes the last message.
	circuitMargin = 10 * time.Second
)

// circuit is what a relay still lets through of one relayed connection, over all its streams. What goes beyond is thrown away there without a word to the sender,
// so it must not be sent.
type circuit struct {
	conn  network.Conn
	mu    sync.Mutex
	limit int
	left  int
	until time.Time
}

// circuitLocked finds the circuit that a connection goes through; nil when there is none, or it has no limits.
func (r *remote) circuitLocked(conn network.Conn) *circuit {
	stat := conn.Stat()
	if !stat.Limited {
		return nil
	}
	r.circuits = slices.DeleteFunc(r.circuits, func(c *circuit) bool { return c.conn.IsClosed() })
	for _, known := range r.circuits {
		if known.conn == conn {
			return known
		}
	}
	c := &circuit{conn: conn, limit: -1}
	if data, _ := stat.Extra[client.StatLimitData].(uint64); data > 0 {
		c.limit = max(0, int(data)-circuitReserve)
		c.left = c.limit
	}
	if duration, _ := stat.Extra[client.StatLimitDuration].(time.Duration); duration > 0 {
		c.until = stat.Opened.Add(duration - circuitMargin)
	}
	r.circuits = append(r.circuits, c)
	return c
}

// take books a frame, or says why it would not arrive.
func (c *circuit) take(p peer.ID, size int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.until.IsZero() && time.Now().After(c.until) {
		return boundary.Errorf(boundary.RelayLimit, "the circuit to peer %s is about to reach its time limit: send again when it has ended", p).About(p.String())
	}
	// What encryption and multiplexing add.
	cost := size + 64 + size/128
	if c.limit >= 0 && cost > c.left {
		return boundary.Errorf(boundary.RelayLimit, "the relay lets %d more bytes of %d through to peer %s, and this message takes %d: "+
			"connect directly, or use a relay without such limits", c.left, c.limit, p, cost).About(p.String())
	}
	c.left -= cost
	return nil
}
