package messaging

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStrangersTogetherGetHalfOfWhatMayLieUnreadAndFriendsTheRest(t *testing.T) {
	const mib = 1 << 20
	all := &allowance{most: 8 * mib}
	friend := &budget{all: all}
	friend.befriend()
	strangers := []*budget{{all: all}, {all: all}}
	for _, stranger := range strangers {
		stranger.spend(2 * mib)
	}
	require.True(t, strangers[0].holds())
	require.False(t, friend.holds())
	friend.spend(mib)
	admitted := make(chan int, 2)
	for i, stranger := range strangers {
		go func() {
			_, err := stranger.admit(t.Context())
			require.NoError(t, err)
			admitted <- i
		}()
		require.Eventually(t, func() bool {
			all.mu.Lock()
			defer all.mu.Unlock()
			return all.strangersWaiting.Len() == i+1
		}, 10*time.Second, time.Millisecond)
	}
	strangers[1].give(chunkSize)
	require.Equal(t, 0, <-admitted, "who waited first goes first")
	strangers[1].give(chunkSize)
	require.Equal(t, 1, <-admitted)
	friend.give(100 * mib)
	strangers[0].give(100 * mib)
	strangers[1].give(100 * mib)
	require.Zero(t, all.spent)
	require.Zero(t, all.strangers)
}

func TestWhoGivesUpWaitingLeavesThePlaceToTheNext(t *testing.T) {
	all := &allowance{most: 2 * chunkSize}
	holder, first, second := &budget{all: all}, &budget{all: all}, &budget{all: all}
	holder.spend(2 * chunkSize)
	ctx, cancel := context.WithCancel(t.Context())
	_, leave := all.wait(first)
	wait, _ := all.wait(second)
	cancel()
	_, err := first.admit(ctx)
	require.Error(t, err)
	leave()
	holder.give(2 * chunkSize)
	<-wait
	require.Zero(t, all.strangersWaiting.Len())
}
