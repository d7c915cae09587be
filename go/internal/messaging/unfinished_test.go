package messaging

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

const (
	moderate = boundary.Window
	huge     = 50 << 20
)

// entrant is somebody who wants a place.
type entrant struct {
	place *place
	// in is closed when there is one, cut when it is to be given up.
	in, cut chan struct{}
}

func (e *entrant) isIn() bool {
	synctest.Wait()
	select {
	case <-e.in:
		return true
	default:
		return false
	}
}

func (e *entrant) isCut() bool {
	synctest.Wait()
	select {
	case <-e.cut:
		return true
	default:
		return false
	}
}

func want(t *testing.T, u *unfinished, peer *largeFrames, size int) *entrant {
	e := &entrant{in: make(chan struct{}), cut: make(chan struct{})}
	go func() {
		var err error
		e.place, err = u.enter(t.Context(), peer, false, size, func() { close(e.cut) })
		if err == nil {
			close(e.in)
		}
	}()
	synctest.Wait()
	return e
}

func known() *largeFrames { return &largeFrames{known: true} }

func stranger() *largeFrames { return &largeFrames{} }

func TestLargeFramesWaitForMemoryInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUnfinished(UnfinishedMemory)
		var in []*entrant
		for range UnfinishedMemory / moderate {
			in = append(in, want(t, u, known(), moderate))
			require.True(t, in[len(in)-1].isIn())
		}
		first, second := want(t, u, known(), moderate), want(t, u, known(), moderate)
		require.False(t, first.isIn())
		u.leave(in[0].place, true)
		require.True(t, first.isIn())
		require.False(t, second.isIn())
		u.leave(in[1].place, true)
		require.True(t, second.isIn())
		for _, e := range append(in[2:], first, second) {
			u.leave(e.place, true)
		}
		require.Zero(t, u.used)
		require.Zero(t, u.waiting)
	})
}

func TestWhoDoesNotSendHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUnfinished(UnfinishedMemory)
		for range 8 {
			want(t, u, stranger(), huge)
		}
		require.True(t, want(t, u, stranger(), moderate).isIn(), "a frame of a stranger that is not huge")
		require.True(t, want(t, u, known(), huge).isIn(), "a huge frame of a known peer")
		require.True(t, want(t, u, known(), moderate).isIn(), "a frame of a known peer")
	})
}

func TestAnIdleFrameIsCutOffOnlyWhereAnotherWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUnfinished(UnfinishedMemory)
		idle, busy := want(t, u, known(), huge), want(t, u, known(), moderate)
		time.Sleep(time.Hour)
		require.False(t, idle.isCut())
		u.bring(idle.place, idleBytes)
		u.bring(busy.place, idleBytes)
		waits := want(t, u, known(), huge)
		for range 10 {
			time.Sleep(idleTime / 2)
			u.bring(busy.place, idleBytes)
			u.bring(idle.place, 1)
		}
		require.True(t, idle.isCut())
		require.False(t, busy.isCut())
		require.False(t, waits.isIn())
		u.leave(idle.place, false)
		require.True(t, waits.isIn())
		require.False(t, idle.place.peer.known)
	})
}

func TestAStreamThatIsStuckDoesNotHoldUpTheNextOneOfItsPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, peer := newUnfinished(UnfinishedMemory), known()
		stuck := want(t, u, peer, moderate)
		next := want(t, u, peer, moderate)
		require.False(t, next.isIn(), "one at a time")
		time.Sleep(idleTime + 2*idleStep)
		require.True(t, stuck.isCut())
		u.leave(stuck.place, false)
		require.True(t, next.isIn())
		u.leave(next.place, true)
		require.Nil(t, peer.holder)
	})
}

func TestNothingIsLookedAtOnceNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, peer := newUnfinished(UnfinishedMemory), known()
		holder := want(t, u, peer, moderate)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, _ = u.enter(ctx, peer, false, moderate, func() {}) }()
		synctest.Wait()
		cancel()
		time.Sleep(2 * idleStep)
		synctest.Wait()
		require.False(t, u.ticking)
		require.Zero(t, u.waiting)
		require.False(t, holder.isCut())
	})
}
