package webrtc

import (
	"bytes"
	"testing"
)

// BenchmarkFrames is what a frame costs from one node's channel to the other's program, both ends in this process.
func BenchmarkFrames(b *testing.B) {
	for name, size := range map[string]int{"100B": 100, "1MiB": 1 << 20} {
		b.Run(name, func(b *testing.B) { benchmarkFrames(b, size) })
	}
}

func benchmarkFrames(b *testing.B, size int) {
	_, _, ours, theirs := channels(b)
	// As many frames at a time as an outlet gathers.
	one := frame(make([]byte, size))
	run := bytes.Repeat(one, max(1, (256<<10)/len(one)))
	b.SetBytes(int64(len(one)))
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		for left := b.N * len(one); left > 0; left -= len(run) {
			if _, err := ours.WriteFrames(run[:min(left, len(run))]); err != nil {
				return
			}
		}
	}()
	for range b.N {
		if _, err := theirs.ReadFrame(); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
}
