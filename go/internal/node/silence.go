package node

import (
	"context"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/unaiverse/p2p/go/internal/datagrams"
	"github.com/unaiverse/p2p/go/internal/guard"
)

// silence is how long nothing has to come on a QUIC connection, while something was sent, for the peer to be reminded, and how often it is.
const silence = 500 * time.Millisecond

// reminders are for peers that have fallen silent. QUIC repeats what is not acknowledged after ever longer pauses, of up to half of the 30 s
// until it gives up. A peer whose process was started anew would be heard of that late; when it is sent any packet of the connection that it
// does not know, it says so, and the connection ends at once.
type reminders struct {
	node    *Node
	sockets *datagrams.Sockets
	ctx     context.Context
	stop    context.CancelFunc
	done    chan struct{}
	heard   map[*quic.Conn]*hearing
}

// hearing is what is known of one connection.
type hearing struct {
	received, sent uint64
	// at is when something came the last time, asked when something was sent after that.
	at, asked time.Time
	// reminding: its socket notes what is sent.
	reminding bool
}

func keepReminding(n *Node, sockets *datagrams.Sockets) *reminders {
	r := &reminders{node: n, sockets: sockets, done: make(chan struct{}), heard: map[*quic.Conn]*hearing{}}
	r.ctx, r.stop = context.WithCancel(context.Background())
	guard.Go("node: reminders", r.run)
	return r
}

func (r *reminders) run() {
	defer close(r.done)
	ticker := time.NewTicker(silence)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			guard.Do("node: reminders", func() { r.look(now) })
		case <-r.ctx.Done():
			return
		}
	}
}

func (r *reminders) look(now time.Time) {
	heard := make(map[*quic.Conn]*hearing, len(r.heard))
	for _, conn := range r.node.host.Network().Conns() {
		var connection *quic.Conn
		if !conn.As(&connection) {
			continue
		}
		h := r.heard[connection]
		if h == nil {
			h = &hearing{at: now, asked: now}
		}
		heard[connection] = h
		r.follow(connection, h, now)
	}
	for connection, h := range r.heard {
		if heard[connection] == nil && h.reminding {
			r.sockets.Forget(connection.LocalAddr(), connection.RemoteAddr())
		}
	}
	r.heard = heard
}

func (r *reminders) follow(connection *quic.Conn, h *hearing, now time.Time) {
	stats := connection.ConnectionStats()
	switch {
	case stats.PacketsReceived != h.received:
		h.at, h.asked = now, now
	case stats.PacketsSent != h.sent:
		h.asked = now
	}
	h.received, h.sent = stats.PacketsReceived, stats.PacketsSent
	// What is not answered and not repeated by QUIC either, within the pause that is due, was an acknowledgement.
	repeating := now.Sub(h.asked) <= 2*h.asked.Sub(h.at)+2*silence
	switch {
	case h.asked.After(h.at) && repeating:
		h.reminding = true
		r.sockets.Remind(connection.LocalAddr(), connection.RemoteAddr())
	case h.reminding:
		h.reminding = false
		r.sockets.Forget(connection.LocalAddr(), connection.RemoteAddr())
	}
}

func (r *reminders) close() {
	if r != nil {
		r.stop()
		<-r.done
	}
}
