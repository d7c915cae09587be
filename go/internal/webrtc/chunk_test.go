package webrtc

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAFrameIsPutTogetherFromItsChunks(t *testing.T) {
	whole := frame([]byte("abcdef"))
	a := assembly{tell: nobody{}}
	now := time.Now()
	got, err := a.add(append([]byte{flagWhole}, whole...), now)
	require.NoError(t, err)
	require.Equal(t, whole, got)
	for i, part := range [][]byte{whole[:3], whole[3:5], whole[5:]} {
		got, err = a.add(append([]byte{flagOf(i == 0, i == 2)}, part...), now)
		require.NoError(t, err)
		require.Equal(t, i == 2, got != nil)
	}
	require.Equal(t, whole, got)
}

func TestAnOldNodesFrameComesWithoutAFlag(t *testing.T) {
	a := assembly{tell: nobody{}}
	whole := frame([]byte("old"))
	got, err := a.add(whole, time.Now())
	require.NoError(t, err)
	require.Equal(t, whole, got)
}

// told remembers what it was told; a frame above max is refused.
type told struct {
	nobody
	max                      int
	parts, dropped, nonsense []int
}

var errRefused = errors.New("refused")

func (r *told) Got(bytes, frame int) error {
	r.parts = append(r.parts, bytes)
	if frame > r.max {
		return errRefused
	}
	return nil
}

func (r *told) Dropped(bytes int) { r.dropped = append(r.dropped, bytes) }

func (r *told) Malformed(bytes int) { r.nonsense = append(r.nonsense, bytes) }

func TestAFrameThatRestsTooLongIsDroppedAndToldAndTheNextOneIsTaken(t *testing.T) {
	r := &told{max: 100}
	a := assembly{tell: r}
	whole := frame([]byte("abcdef"))
	now := time.Now()
	_, err := a.add(append([]byte{flagFirst}, whole[:4]...), now)
	require.NoError(t, err)
	now = now.Add(assemblyTimeout + time.Second)
	got, err := a.add(append([]byte{flagLast}, whole[4:]...), now)
	require.NoError(t, err)
	require.Nil(t, got)
	got, err = a.add(append([]byte{flagWhole}, whole...), now)
	require.NoError(t, err)
	require.Equal(t, whole, got)
	require.Equal(t, []int{4}, r.dropped)
}

func TestAFrameInTheMiddleOfAnotherIsTakenAndTheOtherIsTold(t *testing.T) {
	whole := frame([]byte("abcdef"))
	for name, next := range map[string][]byte{"whole": append([]byte{flagWhole}, whole...), "its first part": append([]byte{flagFirst}, whole...)} {
		r := &told{max: 100}
		a := assembly{tell: r}
		_, err := a.add(append([]byte{flagFirst}, whole[:7]...), time.Now())
		require.NoError(t, err, name)
		_, err = a.add(next, time.Now())
		require.NoError(t, err, name)
		require.Equal(t, []int{7}, r.dropped, name)
	}
}

func TestAFrameIsRefusedByItsLengthBeforeItHasCome(t *testing.T) {
	r := &told{max: 14}
	a := assembly{tell: r}
	large := frame(bytes.Repeat([]byte{1}, 20))
	_, err := a.add(append([]byte{flagFirst}, large[:6]...), time.Now())
	require.ErrorIs(t, err, errRefused)
	a = assembly{tell: r}
	_, err = a.add(append([]byte{flagWhole}, large...), time.Now())
	require.ErrorIs(t, err, errRefused)
	require.Empty(t, r.nonsense)
}

func TestChunksThatMakeNoSenseEndTheChannelAndAreTold(t *testing.T) {
	for name, chunks := range map[string][][]byte{
		"empty": {{}}, "unknown flag": {{0x20, 1}}, "no frame": {{flagWhole}}, "wrong length": {{flagWhole, 0, 0, 0, 9, 1}},
		"more than its length": {{flagFirst, 0, 0, 0, 2, 0}, {flagMiddle, 1, 2}},
	} {
		r := &told{max: 100}
		a := assembly{tell: r}
		var err error
		for _, chunk := range chunks {
			_, err = a.add(chunk, time.Now())
		}
		require.ErrorIs(t, err, errChunk, name)
		require.Len(t, r.nonsense, 1, name)
	}
}
