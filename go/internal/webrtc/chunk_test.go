package webrtc

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAFrameIsPutTogetherFromItsChunks(t *testing.T) {
	whole := frame([]byte("abcdef"))
	a := assembly{max: maxMessage}
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
	a := assembly{max: maxMessage}
	whole := frame([]byte("old"))
	got, err := a.add(whole, time.Now())
	require.NoError(t, err)
	require.Equal(t, whole, got)
}

func TestAFrameThatRestsTooLongIsDroppedAndTheNextOneIsTaken(t *testing.T) {
	a := assembly{max: maxMessage}
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
}

func TestChunksThatMakeNoSenseEndTheChannel(t *testing.T) {
	small := assembly{max: 10}
	_, err := small.add(append([]byte{flagFirst}, make([]byte, 15)...), time.Now())
	require.ErrorIs(t, err, errChunk)
	for name, chunk := range map[string][]byte{
		"empty": {}, "unknown flag": {0x20, 1}, "no frame": {flagWhole}, "wrong length": {flagWhole, 0, 0, 0, 9, 1},
		"larger than allowed": append([]byte{flagWhole}, frame(bytes.Repeat([]byte{1}, 20))...),
	} {
		a := assembly{max: 10}
		_, err := a.add(chunk, time.Now())
		require.ErrorIs(t, err, errChunk, name)
	}
}
