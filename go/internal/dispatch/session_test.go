package dispatch

import (
	"context"
	"encoding/binary"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

func TestDirectAndTopicMessagesPassBetweenNodesOfOneLink(t *testing.T) {
	p := openProgram(t)
	alice, bob := p.create(t, nil), p.create(t, nil)
	alice.connect(t, bob.over(t, "/quic-v1"))

	p.ask(t, boundary.OpOutletOpen, alice.handle, map[string]any{"outlet": 7, "peer": bob.id})
	channel := alice.id + "::dm:" + bob.id + "-misc"
	p.Frames(boundary.Frames{Outlet: 7, Data: porttest.Frame(channel, []byte("direct"))})
	p.await(t, "a direct message", func() bool { return len(p.port.Messages()) == 1 })
	require.Equal(t, channel, p.port.Messages()[0].Channel)

	p.ask(t, boundary.OpSubscribe, bob.handle, map[string]any{"topic": "o::ps:t"})
	p.ask(t, boundary.OpSubscribe, alice.handle, map[string]any{"topic": "o::ps:t"})
	p.await(t, "alice in bob's topic and bob in hers", func() bool { return len(p.port.Events("topicpeers")) >= 2 })
	p.ask(t, boundary.OpPublish, alice.handle, publishBody("o::ps:t", "to all"))
	p.await(t, "a topic message", func() bool { return len(p.port.Messages()) == 2 })
	require.Equal(t, "to all", string(p.port.Messages()[1].Payload))
	for _, m := range p.port.Messages() {
		p.Request(boundary.OpCredit, 0, m.Inlet, binary.LittleEndian.AppendUint32(nil, uint32(len(m.Payload)+boundary.MessageOverhead)))
	}
	p.ask(t, boundary.OpUnsubscribe, alice.handle, map[string]any{"topic": "o::ps:t"})

	inlets := p.port.Events("inlet")
	require.Len(t, inlets, 3, "both ends of the stream, and the author of the topic message")
	require.Equal(t, "quic", inlets[0]["transport"])
	require.Equal(t, "pubsub", inlets[2]["transport"])

	p.Request(boundary.OpOutletClose, 0, 7, nil)
	before := p.port.WrittenBytes()
	p.Frames(boundary.Frames{Outlet: 7, Data: []byte("late")})
	require.Equal(t, before+4, p.port.WrittenBytes(), "frames of an unknown outlet are given back")
}

func TestAClosedNodeAnswersClosedAndItsHandleIsNotUsedAgain(t *testing.T) {
	p := openProgram(t)
	alice := p.create(t, nil)
	p.ask(t, boundary.OpClose, alice.handle, nil)
	for _, op := range []boundary.Op{
		boundary.OpClose, boundary.OpConnect, boundary.OpDisconnect, boundary.OpAddresses, boundary.OpOutletOpen, boundary.OpSubscribe,
		boundary.OpUnsubscribe, boundary.OpPublish,
	} {
		p.refused(t, boundary.Closed, op, alice.handle, map[string]any{})
	}
	require.NotEqual(t, alice.handle, p.create(t, nil).handle)
	p.refused(t, boundary.Closed, boundary.OpAddresses, alice.handle, map[string]any{})
}

func TestMalformedRequestsAreAnsweredAndHurtNobody(t *testing.T) {
	p := openProgram(t)
	n := p.create(t, nil)
	p.refused(t, boundary.Internal, boundary.OpCreate, 0, []byte("{"))
	p.refused(t, boundary.Internal, boundary.OpSetup, 0, []byte(`{"surprise":1}`))
	p.refused(t, boundary.Internal, boundary.OpPublish, n.handle, []byte{255, 255, 255, 255, 1})
	p.refused(t, boundary.Internal, boundary.OpPublish, n.handle, []byte{1})
	p.refused(t, boundary.Internal, boundary.OpConnect, n.handle, []byte(`{"addrs":3}`))
	p.refused(t, boundary.Internal, boundary.Op(99), n.handle, []byte("{}"))
	p.Request(boundary.OpCredit, 0, 1, nil)
	p.Request(boundary.OpCancel, 0, 4711, nil)
	p.Request(boundary.OpOutletClose, 0, 4711, nil)
}

func TestALinkThatEndsTakesItsNodesWithIt(t *testing.T) {
	port, identityDir := freePort(t), t.TempDir()
	p := openProgram(t)
	changes := map[string]any{"port": port, "identityDir": identityDir}
	p.create(t, changes)
	p.create(t, nil)
	p.submit(boundary.OpCreate, 0, options(t, nil))
	p.Close()
	other := openProgram(t)
	other.create(t, changes)
	require.Equal(t, 1.0, other.ask(t, boundary.OpInspect, 0, nil)["nodes"])
}

func TestTwentyNodesWithTrafficLeaveNoGoroutineBehind(t *testing.T) {
	warm := openProgram(t)
	warm.create(t, nil)
	warm.Close()
	before := runtime.NumGoroutine()
	for range 10 {
		p := openProgram(t)
		alice, bob := p.create(t, nil), p.create(t, map[string]any{"dhtEnabled": true})
		alice.connect(t, bob.over(t, "/quic-v1"))
		p.ask(t, boundary.OpSubscribe, bob.handle, map[string]any{"topic": "t"})
		p.ask(t, boundary.OpOutletOpen, alice.handle, map[string]any{"outlet": 1, "peer": bob.id})
		for range 50 {
			p.Frames(boundary.Frames{Outlet: 1, Data: porttest.Frame("c", make([]byte, 100))})
			p.submit(boundary.OpPublish, alice.handle, publishBody("t", "x"))
		}
		start := time.Now()
		p.ask(t, boundary.OpClose, alice.handle, map[string]any{"timeout": 10_000})
		t.Logf("close with traffic: %s", time.Since(start))
		p.await(t, "all direct messages", func() bool {
			direct := 0
			for _, m := range p.port.Messages() {
				if m.Channel == "c" {
					direct++
				}
			}
			return direct == 50
		})
		p.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for runtime.NumGoroutine() > before {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
	}
}
