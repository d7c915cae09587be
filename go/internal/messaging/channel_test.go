package messaging

import (
	"context"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

// parts is a channel that brings frames as the test says: each step is what one call of ReadFrame does.
type parts struct {
	receiving Receiving
	steps     chan func() ([]byte, error)
	ended     chan struct{}
}

func (p *parts) Tell(receiving Receiving) { p.receiving = receiving }

func (p *parts) ReadFrame() ([]byte, error) {
	select {
	case step := <-p.steps:
		return step()
	case <-p.ended:
		return nil, io.EOF
	}
}

func (p *parts) WriteFrames([]byte) (int, error)     { return 0, io.ErrClosedPipe }
func (p *parts) Flush(context.Context) error         { return nil }
func (p *parts) Unacknowledged() (frames, bytes int) { return 0, 0 }
func (p *parts) bring(step func() ([]byte, error))   { p.steps <- step }
func (p *parts) whole(frame []byte)                  { p.bring(func() ([]byte, error) { return frame, nil }) }
func (p *parts) refused(told func(r Receiving) error) {
	p.bring(func() ([]byte, error) { return nil, told(p.receiving) })
}

func (p *parts) Close() error {
	select {
	case <-p.ended:
	default:
		close(p.ended)
	}
	return nil
}

func carried(t *testing.T) (b *end, c *parts) {
	t.Helper()
	a, b := meet(t, transportsUnderTest["tcp"])
	c = &parts{steps: make(chan func() ([]byte, error), 10), ended: make(chan struct{})}
	b.Carry(a.host.ID(), c)
	return b, c
}

func TestAChannelEndsWithAFrameThatIsRefusedAndTellsIt(t *testing.T) {
	good := porttest.Frame("channel", []byte("good"))
	for name, test := range map[string]struct {
		told func(r Receiving) error
		want Loss
	}{
		"too large": {
			func(r Receiving) error { return r.Got(60_000, lengthBytes+maxMessage+1) },
			Loss{Reason: reasonTooLarge, Messages: 1, Bytes: maxMessage + 1},
		},
		"no frame": {
			func(r Receiving) error {
				r.Malformed(17)
				return io.ErrNoProgress
			},
			Loss{Reason: reasonMalformed, Messages: 1, Bytes: 17},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, c := carried(t)
			c.whole(good)
			c.refused(test.told)
			loss := <-b.events.lost
			test.want.Peer = loss.Peer
			require.Equal(t, test.want, loss)
			<-c.ended
			b.awaitMessages(t, 1)
		})
	}
}

func TestAChannelGoesOnAfterAFrameThatItsPeerGaveUpAndTellsIt(t *testing.T) {
	b, c := carried(t)
	c.bring(func() ([]byte, error) {
		require.NoError(t, c.receiving.Got(60_000, 1<<20))
		c.receiving.Dropped(60_000)
		return porttest.Frame("channel", []byte("next")), nil
	})
	loss := <-b.events.lost
	require.Equal(t, Loss{Reason: reasonTooSlow, Peer: loss.Peer, Messages: 1, Bytes: 60_000, UpTo: true}, loss)
	require.Equal(t, []byte("next"), b.awaitMessages(t, 1)[0].Payload)
	require.Zero(t, b.unfinished.used)
}

func TestALargeFrameOnAChannelHasItsPartOfTheMemory(t *testing.T) {
	b, c := carried(t)
	frame := porttest.Frame("channel", noise[:1<<20])
	used, reserved := make(chan int, 1), make(chan int, 1)
	c.bring(func() ([]byte, error) {
		for came := 0; came < len(frame); came += 60_000 {
			require.NoError(t, c.receiving.Got(min(60_000, len(frame)-came), len(frame)))
			c.receiving.Waits()
		}
		used <- b.unfinished.used
		reserved <- c.receiving.(*receiving).reserved
		return frame, nil
	})
	require.Equal(t, len(frame), <-used)
	require.Equal(t, len(frame), <-reserved)
	b.awaitMessages(t, 1)
	c.whole(porttest.Frame("channel", []byte("small")))
	b.awaitMessages(t, 2)
	require.Zero(t, b.unfinished.used)
	require.Zero(t, c.receiving.(*receiving).reserved)
}

func TestAFrameOnAChannelThatRestsIsCutOff(t *testing.T) {
	b, c := carried(t)
	c.bring(func() ([]byte, error) {
		require.NoError(t, c.receiving.Got(60_000, 1<<20))
		c.receiving.(*receiving).cut()
		<-c.ended
		return nil, io.EOF
	})
	loss := <-b.events.lost
	require.Equal(t, Loss{Reason: reasonTooSlow, Peer: loss.Peer, Messages: 1, Bytes: 60_000, UpTo: true}, loss)
}

// The Python node sends an empty payload over a channel, and nobody gets it.
func TestOnAChannelAnEmptyPayloadIsPassedOverAndWhatIsNoFrameIsNot(t *testing.T) {
	b, c := carried(t)
	c.whole(porttest.Frame("channel", nil))
	c.whole(porttest.Frame("channel", []byte("next")))
	require.Equal(t, []byte("next"), b.awaitMessages(t, 1)[0].Payload)
	c.whole(append(binary.BigEndian.AppendUint32(nil, 3), 200, 'a', 'b'))
	require.Equal(t, reasonMalformed, (<-b.events.lost).Reason)
	<-c.ended
}

func TestAnAnswerSpeaksForThePathsBeforeOnlyWhenTheyWereRead(t *testing.T) {
	a, b := meet(t, transportsUnderTest["quic"])
	str, err := a.host.NewStream(t.Context(), b.host.ID(), Protocol)
	require.NoError(t, err)
	_, err = str.Write(porttest.Frame("channel", []byte("one")))
	require.NoError(t, err)
	b.awaitMessages(t, 1)
	require.Eventually(t, func() bool { return b.isOurs(a.host.ID()) }, 20*time.Second, time.Millisecond)
	first := b.usable(a.host.ID())
	// Both end it at once, and the end that the peer has written is still on its way.
	b.leave(first)
	ended := func() (marks uint64) {
		ours, theirs := newPipes()
		b.Carry(a.host.ID(), theirs)
		_, err := ours.WriteFrames(receipt(0))
		require.NoError(t, err)
		answer, err := ours.ReadFrame()
		require.NoError(t, err)
		read, marks, is := readReceipt(answer)
		require.True(t, is)
		require.Zero(t, read)
		return marks
	}
	require.Zero(t, ended())
	require.NoError(t, str.CloseWrite())
	<-first.base().done
	require.Equal(t, uint64(before), ended())
}
