package pubsub

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/stretchr/testify/require"
)

func TestAFloodOfBadlySignedMessagesCostsAGoodPublisherNothing(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		e := newEnd(t, floodSub)
		require.NoError(t, e.Subscribe("t"))
		good := newEnd(t, floodSub)
		good.connect(t, e)
		good.known(t, "t", e.host.ID())
		bad := newRaw(t, e, readAll)
		ctx, cancel := context.WithCancel(t.Context())
		var flood sync.WaitGroup
		flood.Go(func() {
			// One frame of 200 messages, each with a signature of another.
			forger := signerOf(bad.host)
			rpc := &pb.RPC{}
			for range 200 {
				m := forger.message(t, "t", make([]byte, 32))
				m.Data = make([]byte, 33)
				rpc.Publish = append(rpc.Publish, m)
			}
			framed := encodeRPCs(t, rpc)
			for ctx.Err() == nil {
				if _, err := bad.stream.Write(framed); err != nil {
					// It is not listened to any more; it goes on for as long as it can.
					stream, err := bad.host.NewStream(ctx, e.host.ID(), e.protocols()...)
					if err != nil {
						return
					}
					bad.stream = stream
				}
			}
		})
		defer flood.Wait()
		defer cancel()
		e.events.awaitWarning(t, string(peerCut))
		const count = 4000
		for i := range count {
			require.NoError(t, good.Publish(t.Context(), "t", []byte(fmt.Sprint(i))))
		}
		await(t, "all of the good ones", e.port.Changed, func() bool { return len(e.port.Messages()) == count })
		for i, m := range e.port.Messages() {
			require.Equal(t, fmt.Sprint(i), string(m.Payload))
		}
		require.Equal(t, network.Connected, e.host.Network().Connectedness(bad.host.ID()), "it is not disconnected")
		cancel()
		flood.Wait()
		refused, err := bad.host.NewStream(t.Context(), e.host.ID(), e.protocols()...)
		require.NoError(t, err)
		require.NoError(t, refused.SetReadDeadline(time.Now().Add(patience)))
		_, err = refused.Read(make([]byte, 1))
		require.ErrorIs(t, err, network.ErrReset)
		require.Empty(t, e.events.told)
		require.Empty(t, good.events.told)
		require.Len(t, e.events.warnings, 1)
	})
}

func TestMessagesOfOnePeerThatWaitForValidationAreBounded(t *testing.T) {
	e := newEnd(t, false)
	v := e.streams.validation
	require.NoError(t, v.admit("large", 10*maxValidating))
	require.NoError(t, v.admit("small", 10))
	admitted := make(chan error, 3)
	go func() { admitted <- v.admit("small", maxPeerValidating) }()
	go func() { admitted <- v.admit("large", 1) }()
	require.Eventually(t, func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.waiting == 2
	}, patience, tick)
	require.Empty(t, admitted)
	v.settle(v.of("small"), 10)
	require.NoError(t, <-admitted)
	v.settle(v.of("large"), 10*maxValidating)
	require.NoError(t, <-admitted)
	v.settle(v.of("small"), maxPeerValidating)
	v.settle(v.of("large"), 1)
	require.Empty(t, v.peers)
	require.Zero(t, v.total)
	v.settle(v.of("nobody"), 1)

	require.NoError(t, v.admit("large", maxValidating))
	go func() { admitted <- v.admit("large", maxValidating) }()
	e.Close()
	require.ErrorIs(t, <-admitted, context.Canceled)
}

func TestAllMessagesThatThePeersSendAreSettled(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		b := newEnd(t, floodSub)
		require.NoError(t, b.Subscribe("t"))
		r := newRaw(t, b, readAll)
		good := signerOf(r.host)
		forged, own := good.message(t, "t", []byte("forged")), signerOf(b.host).message(t, "t", []byte("own"))
		forged.Data = []byte("other")
		twice := good.message(t, "t", []byte("twice"))
		unsigned := good.message(t, "t", []byte("unsigned"))
		unsigned.Signature = nil
		r.write(t, &pb.RPC{Publish: []*pb.Message{
			forged, own, twice, twice, unsigned, good.message(t, "not joined", []byte("elsewhere")), good.message(t, "t", []byte("last")),
		}})
		r.write(t, &pb.RPC{Publish: []*pb.Message{twice}})
		b.awaitMessages(t, "twice", "last")
		require.Eventually(t, func() bool {
			v := b.streams.validation
			v.mu.Lock()
			defer v.mu.Unlock()
			return v.total == 0 && len(v.peers) == 0
		}, patience, tick)
	})
}

func TestFaultsAreForgottenAndNobodyIsCutForAFew(t *testing.T) {
	f := newFaults()
	for range maxFaults - 1 {
		require.False(t, f.add("clumsy", 100))
	}
	require.False(t, f.cut("clumsy"))
	require.True(t, f.add("clumsy", 100), "the one that is too much")
	require.False(t, f.add("clumsy", 100), "and only that one")
	require.True(t, f.cut("clumsy"))
	require.True(t, f.add("coarse", maxFaults*faultBytes))
	require.False(t, f.cut("good"))

	f.began = f.began.Add(-faultPeriod)
	require.True(t, f.cut("clumsy"), "for a period at least")
	f.began = f.began.Add(-faultPeriod)
	require.False(t, f.cut("clumsy"))
	require.Empty(t, f.current)
	require.Empty(t, f.earlier)
	f.add("again", 0)
	f.began = f.began.Add(-time.Hour)
	require.False(t, f.cut("again"))
	require.Empty(t, f.earlier)
}

func TestABurstFindsRoomInEveryQueueOfTheRouter(t *testing.T) {
	bothRouters(t, func(t *testing.T, floodSub bool) {
		const count = 300
		a, b := newEnd(t, floodSub), newEnd(t, floodSub)
		a.connect(t, b)
		require.NoError(t, b.Subscribe("t"))
		a.known(t, "t", b.host.ID())
		// Nothing is written while the backlog is held, and what is published waits in the router.
		a.streams.backlog.mu.Lock()
		for i := range count {
			require.NoError(t, a.Publish(t.Context(), "t", []byte(fmt.Sprint(i))))
		}
		for range routerTurns {
			a.router.GetTopics()
		}
		a.streams.backlog.mu.Unlock()
		await(t, "what was published", b.port.Changed, func() bool { return len(b.port.Messages()) == count })

		// The messages of one RPC go to validation at once.
		r := newRaw(t, b, readAll)
		author := signerOf(r.host)
		rpc := &pb.RPC{}
		for i := range count {
			rpc.Publish = append(rpc.Publish, author.message(t, "t", []byte(fmt.Sprint(i))))
		}
		r.write(t, rpc)
		await(t, "what came in one RPC", b.port.Changed, func() bool { return len(b.port.Messages()) == 2*count })

		// What was validated waits for the one who hands it on.
		b.inbox.mu.Lock()
		for i := range count {
			require.NoError(t, a.Publish(t.Context(), "t", []byte(fmt.Sprint(i))))
		}
		v := b.streams.validation
		a.Flush(t.Context())
		require.Eventually(t, func() bool {
			v.mu.Lock()
			defer v.mu.Unlock()
			return v.total == 0
		}, patience, tick)
		b.router.GetTopics()
		b.inbox.mu.Unlock()
		await(t, "what waited", b.port.Changed, func() bool { return len(b.port.Messages()) == 3*count })
		require.Empty(t, a.events.told)
		require.Empty(t, b.events.told)
	})
}
