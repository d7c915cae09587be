// Package batched spares system calls under a secure transport. TLS makes records of 16 KiB and hands each of them to the network by itself;
// here all that one write becomes leaves at once, and while much comes the network is read in pieces of many records.
package batched

import (
	"context"
	"net"
	"sync"

	pool "github.com/libp2p/go-buffer-pool"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
)

const (
	// writeBatch is what is gathered of one write before it leaves all the same: a whole yamux frame of 64 KiB as TLS records.
	writeBatch = 66 << 10
	// readBatch is what the network is asked for at a time while much comes.
	readBatch = 128 << 10
	// much: a batch that brought less shows that the network has been read empty.
	much = 16 << 10
)

// NewTLS makes libp2p's TLS transport with connections that are batched.
func NewTLS(id protocol.ID, key crypto.PrivKey, muxers []upgrader.StreamMuxer) (sec.SecureTransport, error) {
	secure, err := libp2ptls.New(id, key, muxers)
	if err != nil {
		return nil, err
	}
	return transport{secure}, nil
}

type transport struct{ sec.SecureTransport }

// SecureInbound secures a connection that a peer dialled.
func (t transport) SecureInbound(ctx context.Context, insecure net.Conn, p peer.ID) (sec.SecureConn, error) {
	below := &network{Conn: insecure}
	secured, err := t.SecureTransport.SecureInbound(ctx, below, p)
	return above(secured, below, err)
}

// SecureOutbound secures a connection to a peer.
func (t transport) SecureOutbound(ctx context.Context, insecure net.Conn, p peer.ID) (sec.SecureConn, error) {
	below := &network{Conn: insecure}
	secured, err := t.SecureTransport.SecureOutbound(ctx, below, p)
	return above(secured, below, err)
}

func above(secured sec.SecureConn, below *network, err error) (sec.SecureConn, error) {
	if err != nil {
		return nil, err
	}
	return &conn{SecureConn: secured, below: below}, nil
}

// conn is the secure connection as the muxer sees it.
type conn struct {
	sec.SecureConn
	below   *network
	writing sync.Mutex
}

// Write returns when all that it became was given to the network.
func (c *conn) Write(data []byte) (n int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.below.hold()
	n, err = c.SecureConn.Write(data)
	if flushed := c.below.flush(); err == nil && flushed != nil {
		return 0, flushed
	}
	return n, err
}

// Close does not wait for a write that is under way, which a peer may hold up for ever; nor does TLS, but it cannot see what is held here.
func (c *conn) Close() error {
	if !c.writing.TryLock() {
		return c.below.Close()
	}
	defer c.writing.Unlock()
	return c.SecureConn.Close()
}

// network is the connection below the secure one.
type network struct {
	net.Conn

	writing sync.Mutex
	held    []byte
	holding bool

	// Only one goroutine reads. busy: the last read left something behind.
	busy  bool
	batch []byte
	ahead []byte // of batch, what was read and not taken yet
}

func (n *network) hold() {
	n.writing.Lock()
	n.holding = true
	n.writing.Unlock()
}

// flush gives to the network what was held.
func (n *network) flush() error {
	n.writing.Lock()
	defer n.writing.Unlock()
	n.holding = false
	return n.send()
}

func (n *network) send() error {
	if len(n.held) == 0 {
		return nil
	}
	_, err := n.Conn.Write(n.held)
	pool.Put(n.held)
	n.held = nil
	return err
}

func (n *network) Write(data []byte) (int, error) {
	n.writing.Lock()
	defer n.writing.Unlock()
	if !n.holding {
		return n.Conn.Write(data)
	}
	if len(n.held)+len(data) > writeBatch {
		if err := n.send(); err != nil {
			return 0, err
		}
	}
	if len(data) > writeBatch {
		return n.Conn.Write(data)
	}
	if n.held == nil {
		n.held = pool.Get(writeBatch)[:0]
	}
	n.held = append(n.held, data...)
	return len(data), nil
}

func (n *network) Read(into []byte) (int, error) {
	if len(n.ahead) == 0 {
		if !n.busy {
			read, err := n.Conn.Read(into)
			n.busy = read == len(into) && read > 0
			return read, err
		}
		n.batch = pool.Get(readBatch)
		read, err := n.Conn.Read(n.batch)
		n.busy = read >= much
		n.ahead = n.batch[:read]
		if read == 0 {
			n.release()
			return 0, err
		}
	}
	taken := copy(into, n.ahead)
	n.ahead = n.ahead[taken:]
	if len(n.ahead) == 0 {
		n.release()
	}
	return taken, nil
}

func (n *network) release() {
	pool.Put(n.batch)
	n.batch, n.ahead = nil, nil
}
