package messaging

import (
	"context"
	"encoding/binary"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

// told sums up what an end was told of messages that it had sent: those given up, and those that may be lost.
func (e *end) told() (messages int) {
	for {
		select {
		case down := <-e.events.down:
			messages += down.messages
		case loss := <-e.events.lost:
			messages += loss.Messages
		default:
			return messages
		}
	}
}

// arrived says how many messages there are, each of which has to carry a larger number than the one before.
func (e *end) arrived(t *testing.T) int {
	t.Helper()
	messages := e.port.Messages()
	last := -1
	for _, m := range messages {
		number := int(binary.BigEndian.Uint32(m.Payload))
		require.Greater(t, number, last, "out of order or twice")
		last = number
	}
	return len(messages)
}

func (e *end) creditAll() {
	for _, m := range e.port.Messages() {
		e.Credit(m.Inlet, len(m.Payload)+boundary.MessageOverhead)
	}
}

func (e *end) sendNumbers(outlet uint32, from, to, size int) {
	for i := from; i < to; i++ {
		payload := make([]byte, size)
		binary.BigEndian.PutUint32(payload, uint32(i))
		e.send(outlet, payload)
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestWhoHangsUpAndWhoIsLeftKnowThatEverythingWasRead(t *testing.T) {
	for name, listen := range transportsUnderTest {
		t.Run(name, func(t *testing.T) {
			a, b := meet(t, listen)
			a.open(t, 1, b.host)
			b.open(t, 1, a.host)
			a.sendNumbers(1, 0, 30, 50_000)
			b.sendNumbers(1, 0, 30, 50_000)
			b.awaitMessages(t, 30)
			a.awaitMessages(t, 30)
			gone := make(chan struct{})
			b.host.Network().Notify(&network.NotifyBundle{DisconnectedF: func(network.Network, network.Conn) { close(gone) }})
			complete := a.HangUp(within(t, 20*time.Second), b.host.ID())
			require.True(t, complete)
			a.Part(b.host.ID(), complete)
			<-gone
			b.Close(within(t, 20*time.Second))
			require.Zero(t, a.told())
			require.Zero(t, b.told())
		})
	}
}

func TestAPeerThatDoesNotReadIsGivenUpAndWhatMayBeLostIsTold(t *testing.T) {
	for name, listen := range transportsUnderTest {
		t.Run(name, func(t *testing.T) {
			a, b := meet(t, listen)
			a.open(t, 1, b.host)
			const count = 400
			a.sendNumbers(1, 0, count, 64<<10)
			b.await(t, "a full window", func() bool { return len(b.port.Messages()) > 60 })
			ctx := within(t, 100*time.Millisecond)
			require.False(t, a.HangUp(ctx, b.host.ID()))
			told := a.told()
			a.Part(b.host.ID(), false)
			b.creditAll()
			b.Close(within(t, 20*time.Second))
			require.GreaterOrEqual(t, b.arrived(t)+told, count)
			require.Less(t, b.arrived(t), count)
		})
	}
}

func TestClosingEndsInTimeAndTellsWhatMayBeLostBeforeItReturns(t *testing.T) {
	for name, listen := range transportsUnderTest {
		t.Run(name, func(t *testing.T) {
			a, b := meet(t, listen)
			a.open(t, 1, b.host)
			const count = 400
			a.sendNumbers(1, 0, count, 64<<10)
			b.await(t, "a full window", func() bool { return len(b.port.Messages()) > 60 })
			a.Close(within(t, 100*time.Millisecond))
			told := a.told()
			b.creditAll()
			b.Close(within(t, 20*time.Second))
			require.GreaterOrEqual(t, b.arrived(t)+told, count)
		})
	}
}

func TestASlowReaderThatEndsItsHalfLosesNothing(t *testing.T) {
	for name, listen := range transportsUnderTest {
		t.Run(name, func(t *testing.T) {
			a, b := meet(t, listen)
			a.open(t, 1, b.host)
			const count = 300
			a.sendNumbers(1, 0, count, 64<<10)
			b.await(t, "a full window", func() bool { return len(b.port.Messages()) > 60 })
			for _, p := range b.pathsOf(b.peers[a.host.ID()]) {
				b.leave(p)
			}
			for taken := 0; taken < count; taken++ {
				message := b.awaitMessages(t, taken+1)[taken]
				b.Credit(message.Inlet, len(message.Payload)+boundary.MessageOverhead)
			}
			require.Equal(t, count, b.arrived(t))
		})
	}
}

func TestBothSidesMayHangUpAtOnceAndNothingIsLostUntold(t *testing.T) {
	for name, listen := range transportsUnderTest {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				a, b := meet(t, listen)
				a.open(t, 1, b.host)
				b.open(t, 1, a.host)
				const count = 200
				a.sendNumbers(1, 0, count, 10_000)
				b.sendNumbers(1, 0, count, 10_000)
				var closing sync.WaitGroup
				for _, e := range []*end{a, b} {
					closing.Go(func() { e.Close(within(t, 20*time.Second)) })
				}
				closing.Wait()
				require.GreaterOrEqual(t, b.arrived(t)+a.told(), count)
				require.GreaterOrEqual(t, a.arrived(t)+b.told(), count)
			}
		})
	}
}

func TestAPeerThatDiesUnderAcceptedMessagesIsToldWithAnUpperBound(t *testing.T) {
	for name, listen := range transportsUnderTest {
		t.Run(name, func(t *testing.T) {
			a, b := meet(t, listen)
			a.open(t, 1, b.host)
			const count = 400
			a.sendNumbers(1, 0, count, 64<<10)
			b.await(t, "a full window", func() bool { return len(b.port.Messages()) > 60 })
			for _, conn := range b.host.Network().Conns() {
				_ = conn.Close()
			}
			_ = b.host.Close()
			a.Close(within(t, 5*time.Second))
			require.GreaterOrEqual(t, b.arrived(t)+a.told(), count)
		})
	}
}

// A stream that is reset takes with it what was written and not read.
func TestAResetIsToldAndTheRestGoesOnInOrder(t *testing.T) {
	a, b := meet(t, transportsUnderTest["quic"])
	a.open(t, 1, b.host)
	const count = 400
	a.sendNumbers(1, 0, count, 64<<10)
	b.await(t, "a full window", func() bool { return len(b.port.Messages()) > 60 })
	for _, p := range b.pathsOf(b.peers[a.host.ID()]) {
		p.reset()
	}
	for taken := 0; ; taken++ {
		messages := b.awaitMessages(t, taken+1)
		b.Credit(messages[taken].Inlet, len(messages[taken].Payload)+boundary.MessageOverhead)
		if binary.BigEndian.Uint32(messages[taken].Payload) == count-1 {
			break
		}
	}
	arrived := b.arrived(t)
	lost := <-a.events.lost
	require.True(t, lost.UpTo)
	require.Equal(t, unconfirmed, lost.Reason)
	require.GreaterOrEqual(t, arrived+lost.Messages, count)
}

func TestWhatIsSentToAPeerThatIsGoneWaitsForAPathOrIsToldOnce(t *testing.T) {
	a, b := meet(t, transportsUnderTest["tcp"])
	a.open(t, 1, b.host)
	a.sendNumbers(1, 0, 1, 100)
	b.awaitMessages(t, 1)
	a.Part(b.host.ID(), true)
	down := <-a.events.down
	require.Zero(t, down.messages)
	// JavaScript has not heard of it yet; the peer is there.
	a.sendNumbers(1, 1, 3, 100)
	b.awaitMessages(t, 3)
	// And now it is not.
	require.NoError(t, b.host.Close())
	<-a.events.down
	a.sendNumbers(1, 3, 5, 100)
	require.Equal(t, 2, (<-a.events.down).messages)
	_, err := a.OpenOutlet(t.Context(), 1, b.host.ID())
	require.Error(t, err)
	require.Zero(t, a.told()-3, "what lay unconfirmed on the broken stream")
}

// The last path may end between the last write and the moment at which its writer rests.
func TestAnOutletHearsThatItsPathHasEndedWhileItWasWriting(t *testing.T) {
	a, b := meet(t, transportsUnderTest["tcp"])
	a.open(t, 1, b.host)
	a.sendNumbers(1, 0, 1, 100)
	b.awaitMessages(t, 1)
	o := a.outlets[1]
	o.change(func() { o.writing = true })
	a.Part(b.host.ID(), true)
	require.Eventually(t, func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.missed
	}, 10*time.Second, time.Millisecond)
	o.change(func() { o.writing = false })
	require.Zero(t, (<-a.events.down).messages)
}

func TestAnOutletThatIsClosedIsForgottenWithItsPeer(t *testing.T) {
	a, b := meet(t, transportsUnderTest["tcp"])
	for i := range uint32(20) {
		a.open(t, i+1, b.host)
		a.CloseOutlet(i + 1)
	}
	a.Part(b.host.ID(), true)
	forgotten := func(e *end) func() bool {
		return func() bool {
			e.mu.Lock()
			defer e.mu.Unlock()
			return len(e.peers)+len(e.outlets)+len(e.inlets)+len(e.parting) == 0
		}
	}
	require.Eventually(t, forgotten(a), 10*time.Second, time.Millisecond)
	require.Eventually(t, forgotten(b), 10*time.Second, time.Millisecond)
}

func TestMessagesOnTheNextStreamWaitForThoseThatLieUnreadOnTheLast(t *testing.T) {
	for name, listen := range transportsUnderTest {
		t.Run(name, func(t *testing.T) {
			a, b := meet(t, listen)
			a.open(t, 1, b.host)
			// As much as the reader takes, and a little that lies in its stream.
			const count = 67
			a.sendNumbers(1, 0, count, 64<<10)
			a.await(t, "all to be written", func() bool { return a.port.WrittenBytes() >= count*64<<10 })
			// The path is left as a sender leaves it that does not wait for the end.
			a.leave(a.usable(b.host.ID()))
			a.sendNumbers(1, count, count+20, 1000)
			a.await(t, "all to be written", func() bool { return a.port.WrittenBytes() >= count*64<<10+20*1000 })
			for taken := 0; taken < count+20; taken++ {
				message := b.awaitMessages(t, taken+1)[taken]
				b.Credit(message.Inlet, len(message.Payload)+boundary.MessageOverhead)
			}
			require.Equal(t, count+20, b.arrived(t))
		})
	}
}

// patientStream takes a write after an hour, unless it is given a deadline before that.
type patientStream struct {
	network.Stream
	deadline time.Time
}

func (s *patientStream) SetWriteDeadline(deadline time.Time) error {
	s.deadline = deadline
	return nil
}

func (s *patientStream) Write(data []byte) (int, error) {
	time.Sleep(time.Hour)
	if !s.deadline.IsZero() && time.Now().After(s.deadline) {
		return 0, context.DeadlineExceeded
	}
	return len(data), nil
}

func TestAWriteWaitsForASlowPeerAsLongAsItsConnectionLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		str := &stream{Stream: &patientStream{}, line: &line{remote: &remote{}}}
		frame := porttest.Frame("c", []byte("late"))
		n, err := str.write(frame)
		require.NoError(t, err)
		require.Equal(t, len(frame), n)
	})
}

func TestAFrameThatTheReceiverRefusesTakesNoOtherWithIt(t *testing.T) {
	for name, listen := range transportsUnderTest {
		t.Run(name, func(t *testing.T) {
			a, b := meet(t, listen)
			b.MaxMessageSize = 1 << 20
			a.open(t, 1, b.host)
			a.sendNumbers(1, 0, 1, 1000)
			b.awaitMessages(t, 1)
			a.sendNumbers(1, 1, 2, 20<<20)
			a.sendNumbers(1, 2, 52, 1000)
			b.awaitMessages(t, 51)
			require.Equal(t, 51, b.arrived(t))
			for loss := (Loss{}); loss.Reason != refused; {
				loss = <-a.events.lost
				require.Equal(t, reasonTooLarge, loss.Why)
				require.Equal(t, loss.Reason == unconfirmed, loss.UpTo)
				require.Equal(t, 1, loss.Messages)
			}
			require.Equal(t, reasonTooLarge, (<-b.events.lost).Reason)
		})
	}
}

func TestAPeerThatDisconnectsAndComesBackLosesNothingOfWhatIsSentMeanwhile(t *testing.T) {
	before := departGrace
	departGrace = time.Minute
	t.Cleanup(func() { departGrace = before })
	for name, listen := range transportsUnderTest {
		t.Run(name, func(t *testing.T) {
			a, b := meet(t, listen)
			a.open(t, 1, b.host)
			stop := make(chan struct{})
			sent := numbered(a, 1, stop)
			for round := range 10 {
				b.awaitMessages(t, 50*(round+1))
				complete := b.HangUp(within(t, 20*time.Second), a.host.ID())
				b.Part(a.host.ID(), complete)
				require.True(t, complete)
			}
			close(stop)
			requireNumbers(t, b, sent())
			require.Zero(t, a.told())
		})
	}
}
