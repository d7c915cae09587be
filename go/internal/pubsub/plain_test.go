package pubsub

import (
	"slices"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p"
	libp2ppubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-msgio/pbio"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func newHost(t *testing.T) host.Host {
	t.Helper()
	h, err := libp2p.New(
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
	)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// plain is a node of go-libp2p-pubsub as it is, without anything of this package.
type plain struct {
	host   host.Host
	router *libp2ppubsub.PubSub

	mu       sync.Mutex
	messages []string
	changed  chan struct{}
}

func newPlain(t *testing.T, floodSub bool, maxMessageSize int) *plain {
	t.Helper()
	p := &plain{host: newHost(t), changed: make(chan struct{})}
	build := libp2ppubsub.NewGossipSub
	if floodSub {
		build = libp2ppubsub.NewFloodSub
	}
	router, err := build(t.Context(), p.host, libp2ppubsub.WithMaxMessageSize(maxMessageSize), libp2ppubsub.WithPeerOutboundQueueSize(queueSize))
	require.NoError(t, err)
	p.router = router
	return p
}

func (p *plain) join(t *testing.T, topic string) *libp2ppubsub.Topic {
	t.Helper()
	joined, err := p.router.Join(topic)
	require.NoError(t, err)
	return joined
}

// subscribe keeps what comes.
func (p *plain) subscribe(t *testing.T, topic string) *libp2ppubsub.Topic {
	t.Helper()
	joined := p.join(t, topic)
	subscription, err := joined.Subscribe(libp2ppubsub.WithBufferSize(queueSize))
	require.NoError(t, err)
	go func() {
		for {
			m, err := subscription.Next(t.Context())
			if err != nil {
				return
			}
			p.mu.Lock()
			p.messages = append(p.messages, string(m.GetData()))
			close(p.changed)
			p.changed = make(chan struct{})
			p.mu.Unlock()
		}
	}()
	return joined
}

func (p *plain) change() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

func (p *plain) received() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.messages)
}

// raw is a peer that writes RPCs by hand.
type raw struct {
	host   host.Host
	stream network.Stream
	writer pbio.WriteCloser
}

// newRaw connects to a node and opens a stream of topics to it; handle reads the stream that the node opens.
func newRaw(t *testing.T, e *end, handle network.StreamHandler) *raw {
	t.Helper()
	r := &raw{host: newHost(t)}
	protocols := e.protocols()
	for _, id := range protocols {
		r.host.SetStreamHandler(id, handle)
	}
	require.NoError(t, r.host.Connect(t.Context(), peer.AddrInfo{ID: e.host.ID(), Addrs: e.host.Addrs()}))
	stream, err := r.host.NewStream(t.Context(), e.host.ID(), protocols...)
	require.NoError(t, err)
	r.stream, r.writer = stream, pbio.NewDelimitedWriter(stream)
	return r
}

func (r *raw) write(t *testing.T, rpc *pb.RPC) {
	t.Helper()
	require.NoError(t, r.writer.WriteMsg(rpc))
}

func (r *raw) subscribe(t *testing.T, topics ...string) {
	t.Helper()
	rpc := &pb.RPC{}
	for _, topic := range topics {
		rpc.Subscriptions = append(rpc.Subscriptions, &pb.RPC_SubOpts{Topicid: &topic, Subscribe: proto.Bool(true)})
	}
	r.write(t, rpc)
}

// signer makes messages by hand.
type signer struct {
	id   peer.ID
	key  crypto.PrivKey
	next uint64
}

// signerOf signs as a host does.
func signerOf(h host.Host) *signer { return &signer{id: h.ID(), key: h.Peerstore().PrivKey(h.ID())} }

func (a *signer) message(t *testing.T, topic string, data []byte) *pb.Message {
	t.Helper()
	a.next++
	seqno := make([]byte, 8)
	for i := range seqno {
		seqno[i] = byte(a.next >> (8 * (7 - i)))
	}
	m := &pb.Message{From: []byte(a.id), Topic: &topic, Data: data, Seqno: seqno}
	signed, err := proto.Marshal(m)
	require.NoError(t, err)
	m.Signature, err = a.key.Sign(append([]byte(libp2ppubsub.SignPrefix), signed...))
	require.NoError(t, err)
	return m
}

// readNothing takes a stream and leaves it be.
func readNothing(network.Stream) {}

// readAll reads a stream as fast as it can, and forgets it.
func readAll(s network.Stream) {
	buffer := make([]byte, 64<<10)
	for {
		if _, err := s.Read(buffer); err != nil {
			return
		}
	}
}

// resetStreams resets what one host has of topic streams that came in, or went out.
func resetStreams(h host.Host, direction network.Direction) (count int) {
	for _, conn := range h.Network().Conns() {
		for _, s := range conn.GetStreams() {
			if id := s.Protocol(); s.Stat().Direction == direction && (id == libp2ppubsub.FloodSubID || len(id) > 9 && id[:9] == "/meshsub/") {
				_ = s.Reset()
				count++
			}
		}
	}
	return count
}

func (e *end) protocols() []protocol.ID {
	if e.FloodSub {
		return []protocol.ID{libp2ppubsub.FloodSubID}
	}
	return libp2ppubsub.GossipSubDefaultProtocols
}
