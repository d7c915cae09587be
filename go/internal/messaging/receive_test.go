package messaging

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"flag"
	mathrand "math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/multiformats/go-multistream"
	"github.com/quic-go/quic-go"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

// Receiving, over real connections.

var largeUnderTest = flag.Int("large", 40, "how many large messages a test of the reader sends over each transport")

func TestLargeMessagesAllArriveAtAReaderThatPauses(t *testing.T) {
	for name, listen := range transportsUnderTest {
		t.Run(name, func(t *testing.T) {
			seed := mathrand.Uint64()
			random := mathrand.New(mathrand.NewPCG(seed, 0))
			a, b := meet(t, listen)
			a.open(t, 1, b.host)
			var sent [][]byte
			for range *largeUnderTest {
				size := 300_000 + random.IntN(1_700_000)
				at := random.IntN(len(noise) - size)
				sent = append(sent, noise[at:at+size])
			}
			go func() {
				for _, payload := range sent {
					a.send(1, payload)
				}
			}()
			for received := 0; received < len(sent); {
				if random.IntN(20) == 0 {
					time.Sleep(20 * time.Millisecond)
				}
				b.await(t, "a message", func() bool { return b.port.Waiting() })
				for _, message := range b.port.TakeMessages() {
					require.True(t, bytes.Equal(sent[received], message.Payload), "message %d, seed %d", received, seed)
					b.Credit(message.Inlet, len(message.Payload)+boundary.MessageOverhead)
					received++
				}
			}
			require.Empty(t, a.events.down)
			require.Empty(t, b.events.lost)
		})
	}
}

// rawStream is a stream of the protocol that the test writes to itself.
func rawStream(t *testing.T, b *end, from host.Host) network.Stream {
	t.Helper()
	require.NoError(t, from.Connect(t.Context(), peer.AddrInfo{ID: b.host.ID(), Addrs: b.host.Addrs()}))
	str, err := from.NewStream(t.Context(), b.host.ID(), Protocol)
	require.NoError(t, err)
	return str
}

func TestARefusedFrameEndsItsStreamAndNothingElse(t *testing.T) {
	for name, test := range map[string]struct {
		frame  []byte
		reason string
	}{
		"longer than allowed":         {binary.BigEndian.AppendUint32(nil, maxMessage+1), reasonTooLarge},
		"empty":                       {binary.BigEndian.AppendUint32(nil, 0), reasonMalformed},
		"no payload":                  {append(binary.BigEndian.AppendUint32(nil, 3), 2, 'a', 'b'), reasonMalformed},
		"a channel longer than frame": {append(binary.BigEndian.AppendUint32(nil, 3), 200, 'a', 'b'), reasonMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			b, raw := newEnd(t, transportsUnderTest["tcp"]), newHost(t, transportsUnderTest["tcp"])
			bad, good := rawStream(t, b, raw), rawStream(t, b, raw)
			before := porttest.Frame("channel", []byte("before"))
			_, err := bad.Write(append(bytes.Repeat(before, 47), test.frame...))
			require.NoError(t, err)
			_, err = bad.Read(make([]byte, 1))
			require.ErrorIs(t, err, network.ErrReset)
			loss := <-b.events.lost
			require.Equal(t, test.reason, loss.Reason)
			require.Equal(t, raw.ID(), loss.Peer)
			require.Equal(t, 1, loss.Messages)
			require.False(t, loss.UpTo)
			b.awaitMessages(t, 47)
			_, err = good.Write(porttest.Frame("channel", []byte("still here")))
			require.NoError(t, err)
			b.awaitMessages(t, 48)
		})
	}
}

// Each refused frame costs a stranger a stream, and must not cost the program an event.
func TestManyRefusalsOfAPeerAreToldTogether(t *testing.T) {
	told := make(chan Loss, 100)
	r := newRefusals(func(loss Loss) { told <- loss })
	first, second := peer.ID("first"), peer.ID("second")
	for range 1000 {
		r.add(first, &refusal{codeMalformed, 5})
	}
	r.add(first, &refusal{codeTooSlow, 7})
	r.add(first, &refusal{codeTooSlow, 0})
	r.add(second, &refusal{codeTooLarge, 11})
	r.flush()
	r.flush()
	close(told)
	var losses []Loss
	sum := 0
	for loss := range told {
		losses = append(losses, loss)
		sum += loss.Messages
	}
	require.Equal(t, 1002, sum)
	require.LessOrEqual(t, len(losses), 6)
	require.Contains(t, losses, Loss{Reason: reasonTooLarge, Peer: second, Messages: 1, Bytes: 11})
	require.Contains(t, losses, Loss{Reason: reasonTooSlow, Peer: first, Messages: 1, Bytes: 7, UpTo: true})
}

func TestTheSenderOfARefusedFrameHearsWhyWhereTheTransportTells(t *testing.T) {
	for name, test := range map[string]struct {
		listen string
		reason string
	}{
		"tcp":           {"/ip4/127.0.0.1/tcp/0", reasonTooLarge},
		"websocket":     {"/ip4/127.0.0.1/tcp/0/ws", reasonTooLarge},
		"quic":          {"/ip4/127.0.0.1/udp/0/quic-v1", reasonTooLarge},
		"webrtc-direct": {"/ip4/127.0.0.1/udp/0/webrtc-direct", reasonTooLarge},
		"webtransport":  {"/ip4/127.0.0.1/udp/0/quic-v1/webtransport", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b, raw := newEnd(t, test.listen), newHost(t, test.listen)
			str := rawStream(t, b, raw)
			_, err := str.Write(binary.BigEndian.AppendUint32(nil, maxMessage+1))
			require.NoError(t, err)
			_, err = str.Read(make([]byte, 1))
			require.ErrorIs(t, err, network.ErrReset)
			require.Equal(t, test.reason, refusedAs(err))
			for err = nil; err == nil; {
				_, err = str.Write([]byte{0})
			}
			require.Equal(t, test.reason, refusedAs(err))
			require.Equal(t, reasonTooLarge, (<-b.events.lost).Reason)
		})
	}
}

// vanishing is a QUIC peer that goes without a word: its socket is closed under it. Its idle time-out is the shortest that quic-go accepts.
func vanishing(t *testing.T, b *end) (str *quic.Stream, vanish func()) {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	require.NoError(t, err)
	identity, err := libp2ptls.NewIdentity(key)
	require.NoError(t, err)
	config, _ := identity.ConfigForPeer(b.host.ID())
	config.NextProtos = []string{"libp2p"}
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = socket.Close() })
	address, err := manet.ToNetAddr(b.host.Addrs()[0].Decapsulate(ma.StringCast("/quic-v1")))
	require.NoError(t, err)
	conn, err := (&quic.Transport{Conn: socket}).Dial(t.Context(), address, config, &quic.Config{MaxIdleTimeout: time.Second})
	require.NoError(t, err)
	str, err = conn.OpenStreamSync(t.Context())
	require.NoError(t, err)
	require.NoError(t, multistream.SelectProtoOrFail(Protocol, str))
	return str, func() { _ = socket.Close() }
}

// The idle time-out of QUIC once made a reader that was between two frames spin for ever.
func TestThePathToAPeerThatVanishedEnds(t *testing.T) {
	for name, begun := range map[string][]byte{"between frames": nil, "within a frame": {0, 0, 1, 0, 1}} {
		t.Run(name, func(t *testing.T) {
			b := newEnd(t, transportsUnderTest["quic"])
			str, vanish := vanishing(t, b)
			_, err := str.Write(append(porttest.Frame("channel", []byte("here")), begun...))
			require.NoError(t, err)
			message := b.awaitMessages(t, 1)[0]
			b.mu.Lock()
			remote := b.inlets[message.Inlet]
			b.mu.Unlock()
			paths := b.pathsOf(remote)
			require.Len(t, paths, 1)
			vanish()
			select {
			case <-paths[0].base().done:
			case <-time.After(30 * time.Second):
				t.Fatal("the path is still there")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			b.Close(ctx)
			require.NoError(t, ctx.Err())
		})
	}
}
