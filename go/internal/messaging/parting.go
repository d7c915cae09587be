package messaging

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"strings"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// How a path ends, and what is known then of what was written to it.
//
// Whoever ends its half of a stream first learns from the other half's end that everything was read. Two nodes of this module know more of each
// other: the one that answers writes a receipt before it ends its half, so that an answer is told from an end that crossed the own one; and the
// one that leaves closes the connection with AllRead once it has read what the other had to say. Where both leave a relayed path at once, for a
// better one, each says on that how much it has read from the old. What is not known to have been taken is told.

// AllRead closes a connection when everything that came on it was read.
const AllRead network.ConnErrorCode = 0x75700001

// UserAgent begins the agent version of nodes of this module.
const UserAgent = "unaiverse-p2p/"

// isOurs tells whether a peer is a node of this module, as far as identify knows.
func (s *Service) isOurs(p peer.ID) bool {
	agent, err := s.host.Peerstore().Get(p, "AgentVersion")
	text, isText := agent.(string)
	return err == nil && isText && strings.HasPrefix(text, UserAgent)
}

// receiptBytes is the payload of a receipt: a frame on the channel without a name, which no message has.
const receiptBytes = 8

const (
	// before marks a receipt for the paths before this one too: each of them was read to its end.
	before = 1 << 63
	// over marks a receipt for a relayed path, which was read to its end, on the better one that follows.
	over = 1 << 62
)

// receipt is a frame that says how many bytes of whole frames were read.
func receipt(read uint64) []byte {
	frame := binary.BigEndian.AppendUint32(nil, 1+receiptBytes)
	return binary.BigEndian.AppendUint64(append(frame, 0), read)
}

// readReceipt reads a frame, if it is a receipt: how much was read, and its marks.
func readReceipt(frame []byte) (read, marks uint64, is bool) {
	if len(frame) != lengthBytes+1+receiptBytes || frame[lengthBytes] != 0 {
		return 0, 0, false
	}
	word := binary.BigEndian.Uint64(frame[lengthBytes+1:])
	return word &^ (before | over), word & (before | over), true
}

// received takes a receipt that came on a path.
func (s *Service) received(l *line, read, marks uint64) {
	if marks&over != 0 {
		s.wentOver(l.remote, read)
		return
	}
	l.all.Store(marks&before != 0)
	l.confirmed.Store(read >= l.tail.all())
}

// goOver says on the path that follows a relayed one how much was read from that, if it was read to its end.
func (s *Service) goOver(old *line, next path) {
	if old.complete.Load() && s.isOurs(old.remote.id) {
		next.note(receipt(over | old.taken.Load()))
	}
}

// wentOver settles the relayed path of which the peer has read so much.
func (s *Service) wentOver(r *remote, read uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range r.paths {
		if l := p.base(); l.rank == relayed && l.ended.Load() && l.tail.all() == read {
			l.confirmed.Store(true)
		}
	}
	for conn, held := range s.parting {
		if held.peer == r.id && held.written == read {
			held.last = run{}
			s.parting[conn] = held
		}
	}
}

// answer is what is written behind everything else when a peer has ended its half first.
func (s *Service) answer(l *line) []byte {
	if !s.isOurs(l.remote.id) {
		return nil
	}
	read := l.taken.Load()
	if s.readBefore(l) {
		read |= before
	}
	return receipt(read)
}

// readBefore says whether every other path that this side has ended was read to the peer's end of it, which may still be on its way.
func (s *Service) readBefore(l *line) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range l.remote.paths {
		if other := p.base(); other != l && other.ended.Load() && !other.complete.Load() {
			return false
		}
	}
	return !l.remote.torn.Load()
}

// settle tells what a path that has ended leaves uncertain. Nothing is written to it any more.
func (s *Service) settle(p path, cause error) {
	l := p.base()
	l.writing.Lock()
	left := l.tail.take()
	l.writing.Unlock()
	if l.confirmed.Load() {
		if l.all.Load() {
			s.confirm(l.remote.id)
		}
		return
	}
	switch {
	case left.messages == 0:
	case cause != nil:
		s.uncertain(l.remote.id, refusedAs(cause), left)
	case l.left.Load() && !s.isOurs(l.remote.id):
		// It has ended its half after it had read all.
	default:
		s.part(l, left)
	}
}

// uncertain tells of messages that may be lost.
func (s *Service) uncertain(p peer.ID, why string, left run) {
	s.Events.Lost(Loss{Reason: unconfirmed, Why: why, Peer: p, Messages: left.messages, Bytes: left.bytes, UpTo: true})
}

// parted is what a connection leaves uncertain until it ends.
type parted struct {
	peer peer.ID
	left run
	// last is what the relayed path leaves that ended last; so many bytes were written to that.
	last    run
	written uint64
}

func (r run) and(more run) run { return run{r.messages + more.messages, r.bytes + more.bytes} }

func (h parted) and(more parted) parted {
	if more.last.messages > 0 {
		return parted{more.peer, h.left.and(h.last).and(more.left), more.last, more.written}
	}
	return parted{more.peer, h.left.and(more.left), h.last, h.written}
}

// tellParted tells what is uncertain once nothing can settle it any more.
func (s *Service) tellParted(held parted) {
	if left := held.left.and(held.last); left.messages > 0 {
		s.uncertain(held.peer, "", left)
	}
}

// part keeps what is uncertain until the connection of the path has ended, which tells whether the peer has read it.
func (s *Service) part(l *line, left run) {
	switch {
	case l.conn == nil:
		s.uncertain(l.remote.id, "", left)
	case l.rank == relayed:
		s.partWith(l.conn, parted{peer: l.remote.id, last: left, written: l.tail.all()})
		if l.confirmed.Load() {
			// The word came meanwhile.
			s.wentOver(l.remote, l.tail.all())
		}
	default:
		s.partWith(l.conn, parted{peer: l.remote.id, left: left})
	}
}

// parted tells what a connection that has ended leaves lost.
func (s *Service) parted(conn network.Conn) {
	held, known := s.unpart(conn)
	switch {
	case !known:
	case endedWith(conn, AllRead):
		s.confirm(held.peer)
	case !s.partOver(held):
		s.tellParted(held)
	}
}

// partOver leaves what is uncertain to another connection with the peer: a node of this module reads one path to its end before it listens to the
// next, and says on that one whether it did. It is how two nodes that end a relayed path at the same time, to go over to a better one, learn
// what became of the old one.
func (s *Service) partOver(held parted) bool {
	conns := s.host.Network().ConnsToPeer(held.peer)
	if len(conns) == 0 || !s.isOurs(held.peer) {
		return false
	}
	s.partWith(conns[0], held)
	return true
}

// confirm takes it that everything was read which the paths to a peer leave uncertain.
func (s *Service) confirm(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.parting, func(_ network.Conn, held parted) bool { return held.peer == p })
}

func (s *Service) partWith(conn network.Conn, more parted) {
	s.mu.Lock()
	s.parting[conn] = s.parting[conn].and(more)
	s.mu.Unlock()
	if conn.IsClosed() {
		s.parted(conn)
	}
}

func (s *Service) unpart(conn network.Conn) (held parted, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held, known = s.parting[conn]
	delete(s.parting, conn)
	return held, known
}

// partAll tells what connections that are still there leave uncertain.
func (s *Service) partAll() {
	s.mu.Lock()
	conns := make([]network.Conn, 0, len(s.parting))
	for conn := range s.parting {
		conns = append(conns, conn)
	}
	s.mu.Unlock()
	for _, conn := range conns {
		if held, known := s.unpart(conn); known {
			s.tellParted(held)
		}
	}
}

// endedWith asks a connection that has ended for the code with which its peer closed it: a stream cannot be opened any more, and the error says why.
func endedWith(conn network.Conn, code network.ConnErrorCode) bool {
	if !conn.IsClosed() {
		return false
	}
	str, err := conn.NewStream(network.WithAllowLimitedConn(context.Background(), "direct messages"))
	if err == nil {
		_ = str.Reset()
		return false
	}
	var end *network.ConnError
	return errors.As(err, &end) && end.Remote && end.ErrorCode == code
}

const (
	// unconfirmed is the reason of what was written and is not known to have arrived.
	unconfirmed = "unconfirmed"
	// refused is the reason of a message that the peer did not take.
	refused = "refused"
)

var errGivenUp = errors.New("it was given up")

// givenUp is why what was accepted is not sent.
func givenUp(p peer.ID) *boundary.Error {
	return boundary.Errorf(boundary.StreamFailed, "peer %s did not take what was accepted for it in time: %w", p, errGivenUp).About(p.String())
}
