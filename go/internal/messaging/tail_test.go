package messaging

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestATailCountsNoMoreThanCanBeUnderWay(t *testing.T) {
	var counted tail
	for range 100_000 {
		counted.add(10, 1000)
	}
	require.LessOrEqual(t, len(counted.runs), heldElsewhere/tailStep+3)
	left := counted.take()
	require.GreaterOrEqual(t, left.bytes, heldElsewhere)
	require.Less(t, left.bytes, heldElsewhere+3*(tailStep+1000))
	require.Equal(t, left.bytes/100, left.messages)
	require.True(t, counted.empty())
	require.EqualValues(t, 100_000_000, counted.all())
}
