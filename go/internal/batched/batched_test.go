package batched

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
)

// counting counts the writes that reach the network. With stalled set they tell of themselves there, and get no further until Close.
type counting struct {
	net.Conn
	writes  atomic.Int64
	stalled chan struct{}
	ended   chan struct{}
	stall   sync.Once
	end     sync.Once
}

func (c *counting) Write(data []byte) (int, error) {
	c.writes.Add(1)
	if c.stalled != nil {
		c.stall.Do(func() { close(c.stalled) })
		<-c.ended
	}
	return c.Conn.Write(data)
}

func (c *counting) Close() error {
	c.end.Do(func() { close(c.ended) })
	return c.Conn.Close()
}

func newTransport(t *testing.T) (sec.SecureTransport, peer.ID) {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secure, err := NewTLS(libp2ptls.ID, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return secure, id
}

// pair connects two ends over TCP and TLS.
func pair(t *testing.T) (dialler, listener sec.SecureConn, below *counting) {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	here, hereID := newTransport(t)
	there, thereID := newTransport(t)
	accepted := make(chan sec.SecureConn, 1)
	go func() {
		raw, err := tcp.Accept()
		if err != nil {
			t.Error(err)
		}
		secured, err := there.SecureInbound(context.Background(), raw, hereID)
		if err != nil {
			t.Error(err)
		}
		accepted <- secured
	}()
	raw, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	below = &counting{Conn: raw, ended: make(chan struct{})}
	dialler, err = here.SecureOutbound(context.Background(), below, thereID)
	if err != nil {
		t.Fatal(err)
	}
	listener = <-accepted
	t.Cleanup(func() { dialler.Close(); listener.Close() })
	return dialler, listener, below
}

func TestAWriteOfManyRecordsReachesTheNetworkAsOne(t *testing.T) {
	dialler, listener, below := pair(t)
	data := make([]byte, 64<<10)
	go func() { _, _ = io.Copy(io.Discard, listener) }()
	// TLS begins a connection with small records.
	for range 4 {
		if _, err := dialler.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	before := below.writes.Load()
	for range 10 {
		if n, err := dialler.Write(data); n != len(data) || err != nil {
			t.Fatal(n, err)
		}
	}
	if writes := below.writes.Load() - before; writes != 10 {
		t.Errorf("10 writes became %d", writes)
	}
}

func TestWhatIsWrittenInPiecesOfAnySizeIsReadUnchanged(t *testing.T) {
	dialler, listener, _ := pair(t)
	data := make([]byte, 3<<20)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	write := func(to sec.SecureConn) {
		for rest, size := data, 1; len(rest) > 0; size = size*3%200_001 + 1 {
			size = min(size, len(rest))
			if _, err := to.Write(rest[:size]); err != nil {
				t.Error(err)
				return
			}
			rest = rest[size:]
		}
	}
	go write(dialler)
	go write(listener)
	for _, from := range []sec.SecureConn{dialler, listener} {
		got := make([]byte, len(data))
		if _, err := io.ReadFull(from, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, data) {
			t.Error("the bytes have changed")
		}
	}
}

func TestASmallWriteIsNotKeptBack(t *testing.T) {
	dialler, listener, _ := pair(t)
	answer := make([]byte, 1)
	go func() { _, _ = io.Copy(listener, listener) }()
	for i := range 100 {
		if _, err := dialler.Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(dialler, answer); err != nil || answer[0] != byte(i) {
			t.Fatal(answer, err)
		}
	}
}

func TestAWriteToANetworkThatIsGoneFails(t *testing.T) {
	dialler, _, below := pair(t)
	below.Conn.Close()
	if _, err := dialler.Write(make([]byte, 100)); err == nil {
		t.Error("a write to a closed network succeeded")
	}
}

func TestClosingDoesNotWaitForAPeerThatDoesNotRead(t *testing.T) {
	dialler, _, below := pair(t)
	below.stalled = make(chan struct{})
	go func() { _, _ = dialler.Write([]byte("nobody reads this")) }()
	<-below.stalled
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		dialler.Close()
	}()
	select {
	case <-closed:
	case <-time.After(4 * time.Second):
		t.Error("closing waits for the write")
		below.Close()
	}
}
