package bridge

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/bridge/program"
	"github.com/unaiverse/p2p/go/internal/boundary"
)

// startLink opens a link on a thread that the test ends itself.
func startLink(t *testing.T, flags uint32) *jsEnd {
	t.Helper()
	link, err := program.Start().Open(flags)
	require.NoError(t, err)
	return &jsEnd{Link: link, t: t, session: sessionOf(link.ID())}
}

func TestTheNextLinkOfAThreadEndsTheOneBefore(t *testing.T) {
	before := startLink(t, program.CloseFD)
	thread := before.Thread
	after, err := thread.Open(program.CloseFD)
	require.NoError(t, err)
	before.awaitClosed()
	require.NotEqual(t, before.ID(), after.ID())
	_, err = before.Link.Outlet()
	require.ErrorIs(t, err, program.Closed)
	_, err = after.Outlet()
	require.NoError(t, err)
	thread.End()
}

func TestRequestsCrossAsTheyAre(t *testing.T) {
	js := openLink(t)
	for i := range uint32(1000) {
		body := bytes.Repeat([]byte{byte(i)}, int(i))
		record := make([]byte, 16, 16+len(body))
		binary.LittleEndian.PutUint32(record, uint32(boundary.OpPublish))
		binary.LittleEndian.PutUint32(record[4:], i)
		binary.LittleEndian.PutUint32(record[8:], i*7)
		binary.LittleEndian.PutUint32(record[12:], uint32(len(body)))
		require.NoError(t, js.Submit(append(record, body...)))
		got := <-js.session.requests
		require.True(t, got.op == boundary.OpPublish && got.id == i && got.handle == i*7 && bytes.Equal(body, got.body), "request %d", i)
	}
	require.ErrorIs(t, js.Submit(make([]byte, 15)), program.Range)
}

func TestFramesKeepTheNameThatTheirSlotHadWhenTheyWereSent(t *testing.T) {
	js := openLink(t)
	outlet := js.Outlet()
	var want []byte
	for _, name := range []string{"first", "second"} {
		require.NoError(t, js.Channel(7, name))
		_, err := js.Link.Send(outlet, 7, []byte("payload"))
		require.NoError(t, err)
		want = append(append(want, 0, 0, 0, byte(8+len(name)), byte(len(name))), name...)
		want = append(want, "payload"...)
	}
	var got []byte
	for len(got) < len(want) {
		frames := js.Frames()
		got = append(got, frames.Data...)
		js.Port().Written(frames)
	}
	require.Equal(t, want, got)
	_, err := js.Link.Send(outlet, 8, []byte("a slot without a name"))
	require.ErrorIs(t, err, program.Range)
}

func TestEveryOutletThatFitsCanBeOpenAndTheirPlacesComeBack(t *testing.T) {
	js := openLink(t)
	const most = 65535
	outlets := make([]uint32, most)
	for i := range outlets {
		outlets[i] = js.Outlet()
	}
	_, err := js.Link.Outlet()
	require.ErrorIs(t, err, program.Memory)
	js.Port().FreeOutlet(outlets[most/2])
	js.Outlet()
	_, err = js.Link.Outlet()
	require.ErrorIs(t, err, program.Memory)
}

func TestThereIsALinkForEveryThreadUpToTheLast(t *testing.T) {
	var links []*jsEnd
	var err error
	for err == nil {
		thread := program.Start()
		var link *program.Link
		if link, err = thread.Open(program.CloseFD); err == nil {
			links = append(links, &jsEnd{Link: link, t: t, session: sessionOf(link.ID())})
		} else {
			thread.End()
		}
	}
	require.ErrorIs(t, err, program.Memory)
	require.Len(t, links, 255)
	for _, js := range links {
		js.Thread.End()
		js.awaitClosed()
	}
	require.Eventually(t, func() bool {
		thread := program.Start()
		defer thread.End()
		_, err := thread.Open(program.CloseFD)
		return err == nil
	}, 10*time.Second, time.Millisecond)
}

// faults are what only a fault of the module's own could do; each of them ends the process.
var faults = map[string]struct {
	what string
	do   func(js *jsEnd)
}{
	"a chunk is released twice": {"a chunk is released twice", func(js *jsEnd) {
		chunk := js.Port().NewChunk(256 << 10)
		js.Port().Release(chunk)
		js.Port().Release(chunk)
	}},
	"a delivered chunk grows": {"a chunk grows that was delivered", func(js *jsEnd) {
		chunk := js.Port().NewChunk(100)
		copy(chunk.Data, []byte{0, 0, 0, 2, 0, 1})
		js.Port().Deliver(1, chunk, 0, 6)
		js.Port().Grow(chunk, 6, 200)
	}},
	"a part of a frame is delivered": {"a part of a frame was delivered", func(js *jsEnd) {
		chunk := js.Port().NewChunk(100)
		copy(chunk.Data, []byte{0, 0, 0, 3, 0, 1})
		js.Port().Deliver(1, chunk, 0, 6)
		js.Drain()
	}},
	"frames lie outside their chunk": {"outside their chunk", func(js *jsEnd) {
		chunk := js.Port().NewChunk(100)
		js.Port().Deliver(1, chunk, 0, len(chunk.Data)+1)
	}},
}

func TestWhatCannotBeEndsTheProcessAndSaysWhy(t *testing.T) {
	if name := os.Getenv("P2P_FAULT"); name != "" {
		faults[name].do(openLink(t))
		return
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWhatCannotBe")
			child.Env = append(os.Environ(), "P2P_FAULT="+name)
			output, err := child.CombinedOutput()
			require.Error(t, err)
			require.Contains(t, string(output), "libunaiverse_p2p: ")
			require.Contains(t, string(output), fault.what)
		})
	}
}
