package dispatch

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

const patience = 20 * time.Second

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	os.Exit(m.Run())
}

// program is what JavaScript would be: it sends requests, and reads what comes back.
type program struct {
	*Session
	port *porttest.Port
	mu   sync.Mutex
	last uint32
}

func openProgram(t *testing.T) *program {
	t.Helper()
	port := porttest.New()
	p := &program{Session: Open(port), port: port}
	t.Cleanup(func() {
		p.Close()
		for _, warning := range port.Events("warning") {
			require.NotEqual(t, "INTERNAL", warning["code"], "a panic: %v", warning)
		}
	})
	return p
}

func (p *program) await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		changed := p.port.Changed()
		if condition() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			for _, r := range p.port.Records() {
				t.Logf("kind %d a %d b %d %.300s", r.Kind, r.A, r.B, r.Body)
			}
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func (p *program) submit(op boundary.Op, handle uint32, body any) (id uint32) {
	p.mu.Lock()
	p.last++
	id = p.last
	p.mu.Unlock()
	encoded, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			panic(err)
		}
	}
	p.Request(op, id, handle, encoded)
	// The bridge reuses this memory as soon as Request returns.
	clear(encoded)
	return id
}

// answer waits for one and returns its place among the records, and its fields.
func (p *program) answer(t *testing.T, id uint32) (place int, failed bool, fields map[string]any) {
	t.Helper()
	p.await(t, fmt.Sprintf("the answer to %d", id), func() bool {
		for i, r := range p.port.Records() {
			if r.Kind == boundary.KindAnswer && r.A == id {
				place, failed, fields = i, r.B == 1, map[string]any{}
				if len(r.Body) > 0 {
					require.NoError(t, json.Unmarshal(r.Body, &fields))
				}
				return true
			}
		}
		return false
	})
	return place, failed, fields
}

func (p *program) ask(t *testing.T, op boundary.Op, handle uint32, body any) map[string]any {
	t.Helper()
	_, failed, fields := p.answer(t, p.submit(op, handle, body))
	require.False(t, failed, "%v", fields)
	return fields
}

func (p *program) refused(t *testing.T, code boundary.Code, op boundary.Op, handle uint32, body any) string {
	t.Helper()
	_, failed, fields := p.answer(t, p.submit(op, handle, body))
	require.True(t, failed, "%v", fields)
	require.Equal(t, string(code), fields["code"], "%v", fields)
	return fields["message"].(string)
}

func options(t *testing.T, changes map[string]any) map[string]any {
	all := map[string]any{
		"identityDir": t.TempDir(), "port": 0, "ips": []string{"127.0.0.1"}, "enableRelayClient": true, "enableRelayService": false,
		"useBroadLimits": false, "isIsolated": false, "knowsIsPublic": false, "enableTls": false, "domainName": nil, "tlsCertPath": nil,
		"tlsKeyPath": nil, "dhtEnabled": false, "dhtKeep": false, "webrtcEnabled": true, "floodSub": false, "iceStunServers": []string{},
		"iceTurnServers": []string{}, "relays": []string{}, "bootstrapPeers": []string{}, "natPortMap": false, "holePunching": true,
		"transports": []string{"tcp", "quic", "ws", "webtransport", "webrtc-direct"}, "limits": map[string]any{}, "agent": "test/1",
	}
	for key, value := range changes {
		all[key] = value
	}
	return all
}

type testNode struct {
	*program
	handle    uint32
	id        string
	addresses []string
}

func (p *program) create(t *testing.T, changes map[string]any) *testNode {
	t.Helper()
	created := p.ask(t, boundary.OpCreate, 0, options(t, changes))
	n := &testNode{program: p, handle: uint32(created["node"].(float64)), id: created["peerId"].(string)}
	for _, address := range created["addresses"].([]any) {
		n.addresses = append(n.addresses, address.(string))
	}
	return n
}

// over returns the address of a transport.
func (n *testNode) over(t *testing.T, protocol string) string {
	t.Helper()
	for _, address := range n.addresses {
		if strings.Contains(strings.Split(address, "/certhash")[0]+"/", protocol+"/") && !strings.Contains(address, protocol+"/webtransport") {
			return address
		}
	}
	t.Fatalf("no %s among %v", protocol, n.addresses)
	return ""
}

func (n *testNode) connect(t *testing.T, address string) {
	t.Helper()
	n.ask(t, boundary.OpConnect, n.handle, map[string]any{"addrs": []string{address}})
}

func publishBody(topic, payload string) []byte {
	body := binary.LittleEndian.AppendUint32(nil, uint32(len(topic)))
	return append(append(body, topic...), payload...)
}

func freePort(t *testing.T) int {
	t.Helper()
	for {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		port := listener.Addr().(*net.TCPAddr).Port
		_ = listener.Close()
		if port < 65000 {
			return port
		}
	}
}

func TestTwoNodesMeetOverEveryTransport(t *testing.T) {
	a, b := openProgram(t), openProgram(t)
	for _, transport := range []struct{ name, protocol string }{
		{"tcp", "/tcp"}, {"quic", "/quic-v1"}, {"ws", "/ws"}, {"webtransport", "/webtransport"}, {"webrtc-direct", "/webrtc-direct"},
	} {
		t.Run(transport.name, func(t *testing.T) {
			// The listener of TCP takes WebSocket too, so the address of TCP alone is not told apart by its protocols.
			alice, bob := a.create(t, nil), b.create(t, nil)
			address := bob.over(t, transport.protocol)
			place, failed, fields := a.answer(t, a.submit(boundary.OpConnect, alice.handle, map[string]any{"addrs": []string{address}}))
			require.False(t, failed, "%v", fields)
			require.Equal(t, bob.id, fields["id"])
			require.Equal(t, []any{strings.TrimSuffix(strings.Split(address, "/certhash")[0], "/p2p/"+bob.id)},
				[]any{strings.Split(fields["addrs"].([]any)[0].(string), "/certhash")[0]})

			var connected map[string]any
			for _, r := range a.port.Records()[:place] {
				event := struct {
					Type string
					Peer map[string]any
				}{}
				if r.A == alice.handle && r.Kind == boundary.KindEvent && json.Unmarshal(r.Body, &event) == nil && event.Type == "peerconnect" {
					connected = event.Peer
				}
			}
			require.NotNil(t, connected, "peerconnect comes before the answer")
			require.Equal(t, bob.id, connected["id"])
			require.Equal(t, transport.name, connected["transport"])
			require.Equal(t, "outbound", connected["direction"])
			require.Equal(t, false, connected["relayed"])
			alice.ask(t, boundary.OpClose, alice.handle, nil)
			bob.ask(t, boundary.OpClose, bob.handle, nil)
		})
	}
}

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
	require.Len(t, inlets, 2)
	require.Equal(t, "quic", inlets[0]["transport"])
	require.Equal(t, "pubsub", inlets[1]["transport"])

	p.Request(boundary.OpOutletClose, 0, 7, nil)
	before := p.port.WrittenBytes()
	p.Frames(boundary.Frames{Outlet: 7, Data: []byte("late")})
	require.Equal(t, before+4, p.port.WrittenBytes(), "frames of an unknown outlet are given back")
}

func TestDisconnectSendsFirstWhatWasAcceptedAndIsFineWithoutConnection(t *testing.T) {
	p := openProgram(t)
	alice, bob := p.create(t, nil), p.create(t, nil)
	alice.connect(t, bob.over(t, "/tcp"))
	p.ask(t, boundary.OpOutletOpen, alice.handle, map[string]any{"outlet": 8, "peer": bob.id})
	for range 100 {
		p.Frames(boundary.Frames{Outlet: 8, Data: porttest.Frame("c", make([]byte, 1000))})
	}
	place, failed, fields := p.answer(t, p.submit(boundary.OpDisconnect, alice.handle, map[string]any{"peer": bob.id}))
	require.False(t, failed, "%v", fields)
	gone := 0
	for _, r := range p.port.Records()[:place] {
		if r.A == alice.handle && strings.Contains(string(r.Body), `"peerdisconnect"`) {
			gone++
		}
	}
	require.Equal(t, 1, gone, "peerdisconnect comes before the answer")
	p.await(t, "all messages", func() bool { return len(p.port.Messages()) == 100 })
	p.ask(t, boundary.OpDisconnect, alice.handle, map[string]any{"peer": bob.id})
	p.ask(t, boundary.OpDisconnect, alice.handle, map[string]any{"peer": alice.id})
	p.refused(t, boundary.PeerInvalid, boundary.OpDisconnect, alice.handle, map[string]any{"peer": "nobody"})
}

func TestConnectRefusesWhatIsNoAddressAndSaysWhyADialFailed(t *testing.T) {
	p := openProgram(t)
	alice, bob := p.create(t, nil), p.create(t, nil)
	invalid := func(addrs ...string) {
		t.Helper()
		p.refused(t, boundary.AddressInvalid, boundary.OpConnect, alice.handle, map[string]any{"addrs": addrs})
	}
	invalid()
	invalid("")
	invalid("not an address")
	invalid("/ip4/127.0.0.1/tcp/1")
	invalid(bob.addresses[0], "not an address")
	invalid(bob.addresses[0], alice.addresses[0])

	closed := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", freePort(t))
	message := p.refused(t, boundary.DialFailed, boundary.OpConnect, alice.handle, map[string]any{"addrs": []string{closed + "/p2p/" + bob.id}})
	require.Contains(t, message, closed)
	require.Contains(t, message, "connection refused")
	require.NotContains(t, message, "\n")
	p.refused(t, boundary.DialFailed, boundary.OpConnect, alice.handle, map[string]any{"addrs": []string{"/p2p/" + bob.id}})

	self := p.ask(t, boundary.OpConnect, alice.handle, map[string]any{"addrs": alice.addresses})
	require.Equal(t, alice.id, self["id"])
	require.Len(t, self["addrs"], len(alice.addresses))
	alice.connect(t, bob.over(t, "/tcp"))
}

func TestConnectDialsTheGivenAddressAndNoOtherThatIsKnown(t *testing.T) {
	p := openProgram(t)
	alice, bob := p.create(t, nil), p.create(t, nil)
	alice.connect(t, bob.over(t, "/quic-v1"))
	p.await(t, "identify", func() bool {
		addrs := p.ask(t, boundary.OpAddresses, alice.handle, map[string]any{"peer": bob.id})["addrs"].([]any)
		return len(addrs) == len(bob.addresses)
	})
	p.ask(t, boundary.OpDisconnect, alice.handle, map[string]any{"peer": bob.id})
	tcp := bob.over(t, "/tcp")
	connected := p.ask(t, boundary.OpConnect, alice.handle, map[string]any{"addrs": []string{tcp}})
	require.Equal(t, []any{strings.TrimSuffix(tcp, "/p2p/"+bob.id)}, connected["addrs"])
}

func TestAddressesEndInThePeerID(t *testing.T) {
	p := openProgram(t)
	alice, bob := p.create(t, nil), p.create(t, nil)
	own := p.ask(t, boundary.OpAddresses, alice.handle, map[string]any{"peer": ""})["addrs"].([]any)
	require.Len(t, own, 5)
	for _, address := range own {
		require.True(t, strings.HasSuffix(address.(string), "/p2p/"+alice.id))
	}
	require.Empty(t, p.ask(t, boundary.OpAddresses, alice.handle, map[string]any{"peer": bob.id})["addrs"])
	p.refused(t, boundary.PeerInvalid, boundary.OpAddresses, alice.handle, map[string]any{"peer": "nobody"})
}

func TestCancelEndsADialThatNobodyAnswers(t *testing.T) {
	p := openProgram(t)
	alice, bob := p.create(t, nil), p.create(t, nil)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		if conn, err := silent.Accept(); err == nil {
			accepted <- conn
		}
	}()
	address := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", silent.Addr().(*net.TCPAddr).Port, bob.id)
	id := p.submit(boundary.OpConnect, alice.handle, map[string]any{"addrs": []string{address}})
	conn := <-accepted
	defer conn.Close()
	p.Request(boundary.OpCancel, 0, id, nil)
	_, failed, fields := p.answer(t, id)
	require.True(t, failed)
	require.Equal(t, "ABORTED", fields["code"])

	id = p.submit(boundary.OpConnect, alice.handle, map[string]any{"addrs": []string{address}})
	p.ask(t, boundary.OpClose, alice.handle, nil)
	_, failed, fields = p.answer(t, id)
	require.True(t, failed)
	require.Equal(t, "CLOSED", fields["code"], "closing the node ends it too")
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

func TestATakenPortIsAnErrorThatNamesItAndLeavesNothingBehind(t *testing.T) {
	p := openProgram(t)
	port := freePort(t)
	alice := p.create(t, map[string]any{"port": port})
	require.Len(t, alice.addresses, 5)
	require.Contains(t, alice.over(t, "/quic-v1"), fmt.Sprintf("/udp/%d/", port+1))
	identityDir := t.TempDir()
	message := p.refused(t, boundary.AddressInUse, boundary.OpCreate, 0, options(t, map[string]any{"port": port, "identityDir": identityDir}))
	require.Contains(t, message, fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port))

	other := freePort(t)
	foreign, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", other+2))
	require.NoError(t, err)
	message = p.refused(t, boundary.AddressInUse, boundary.OpCreate, 0, options(t, map[string]any{"port": other, "identityDir": identityDir}))
	require.Contains(t, message, fmt.Sprintf("/udp/%d/quic-v1/webtransport", other+2))
	_ = foreign.Close()
	bob := p.create(t, map[string]any{"port": other, "identityDir": identityDir})
	bob.connect(t, alice.over(t, "/tcp"))
	p.ask(t, boundary.OpClose, alice.handle, nil)
	p.create(t, map[string]any{"port": port})
}

func TestOnlyTheChosenTransportsAndIPAddressesAreListenedOn(t *testing.T) {
	p := openProgram(t)
	n := p.create(t, map[string]any{"transports": []string{"quic"}, "ips": []string{"127.0.0.1", "::1"}})
	require.Len(t, n.addresses, 2)
	require.Contains(t, n.addresses[1], "/ip6/::1/udp/")
	p.create(t, map[string]any{"transports": []string{"ws", "webtransport"}, "enableRelayClient": false})
	p.refused(t, boundary.AddressInvalid, boundary.OpCreate, 0, options(t, map[string]any{"ips": []string{"localhost"}}))
}

func TestOptionsOfEveryKindMakeANode(t *testing.T) {
	p := openProgram(t)
	relay := p.create(t, map[string]any{"enableRelayService": true, "useBroadLimits": true, "knowsIsPublic": true, "floodSub": true})
	n := p.create(t, map[string]any{
		"dhtEnabled": true, "dhtKeep": true, "relays": relay.addresses[:1], "bootstrapPeers": relay.addresses[:1],
		"limits": map[string]any{"connections": 50, "connectionsPerPeer": 4, "streamsPerPeer": 100, "memory": 1 << 28},
	})
	p.await(t, "the connection to the bootstrap peer", func() bool {
		for _, event := range p.port.Events("peerconnect") {
			if event["peer"].(map[string]any)["id"] == relay.id {
				return true
			}
		}
		return false
	})
	require.NotEmpty(t, n.addresses)
	p.refused(t, boundary.AddressInvalid, boundary.OpCreate, 0, options(t, map[string]any{"relays": []string{"/ip4/127.0.0.1/tcp/1"}}))
	p.refused(t, boundary.Internal, boundary.OpCreate, 0, options(t, map[string]any{"portt": 1}))
}

func TestAnOptionWithoutEffectWarnsAfterTheAnswer(t *testing.T) {
	p := openProgram(t)
	id := p.submit(boundary.OpCreate, 0, options(t, map[string]any{"isIsolated": true, "iceStunServers": []string{"stun:127.0.0.1"}}))
	p.await(t, "two warnings", func() bool { return len(p.port.Events("warning")) == 2 })
	place, failed, _ := p.answer(t, id)
	require.False(t, failed)
	require.Zero(t, place, "the answer is the first record")
	require.Equal(t, "NOT_YET", p.port.Events("warning")[0]["code"])
	require.Contains(t, p.port.Events("warning")[0]["message"], "iceStunServers")
}

func TestACancelledCreateUndoesWhatItDid(t *testing.T) {
	p := openProgram(t)
	port, identityDir := freePort(t), t.TempDir()
	for range 10 {
		id := p.submit(boundary.OpCreate, 0, options(t, map[string]any{"port": port, "identityDir": identityDir}))
		p.Request(boundary.OpCancel, 0, id, nil)
		if _, failed, fields := p.answer(t, id); failed {
			require.Equal(t, "ABORTED", fields["code"], "%v", fields)
		} else {
			p.ask(t, boundary.OpClose, uint32(fields["node"].(float64)), nil)
		}
	}
	p.create(t, map[string]any{"port": port, "identityDir": identityDir})
}

func TestTheFirstSettingsHoldAndLimitTheNodesOfAllLinks(t *testing.T) {
	before := library.settings
	t.Cleanup(func() { library.chosen, library.settings = false, before })
	a, b := openProgram(t), openProgram(t)
	first := map[string]any{"maxInstances": 2, "maxMessageSize": 1000, "logLevel": "off"}
	require.Equal(t, map[string]any{"applied": true}, a.ask(t, boundary.OpSetup, 0, first))
	require.Equal(t, map[string]any{"applied": true}, b.ask(t, boundary.OpSetup, 0, first))
	require.Equal(t, map[string]any{"applied": false},
		b.ask(t, boundary.OpSetup, 0, map[string]any{"maxInstances": 9, "maxMessageSize": 1000, "logLevel": "off"}))
	alice := a.create(t, nil)
	b.create(t, nil)
	b.refused(t, boundary.Limit, boundary.OpCreate, 0, options(t, nil))
	a.ask(t, boundary.OpClose, alice.handle, nil)
	b.create(t, nil)
	inspection := a.ask(t, boundary.OpInspect, 0, nil)
	require.Equal(t, 2.0, inspection["nodes"])
	require.Equal(t, 2.0, inspection["links"])
	b.refused(t, boundary.TopicFailed, boundary.OpPublish, 0+lastNode(t, b), publishBody("t", strings.Repeat("x", 1000)))
}

func lastNode(t *testing.T, p *program) (handle uint32) {
	t.Helper()
	for _, m := range p.members() {
		handle = max(handle, m.Handle())
	}
	return handle
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
		p.ask(t, boundary.OpClose, alice.handle, nil)
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
