package dispatch

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

func TestTwoNodesMeetOverEveryTransport(t *testing.T) {
	a, b := openProgram(t), openProgram(t)
	for _, transport := range []struct{ name, protocol string }{
		{"tcp", "/tcp"}, {"quic", "/quic-v1"}, {"ws", "/ws"}, {"webtransport", "/webtransport"}, {"webrtc-direct", "/webrtc-direct"},
	} {
		t.Run(transport.name, func(t *testing.T) {
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
	through := strings.TrimSuffix(alice.addresses[0], alice.id) + alice.id + "/p2p-circuit/webrtc/p2p/" + bob.id
	invalid(through)

	closed := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", freePort(t))
	message := p.refused(t, boundary.DialFailed, boundary.OpConnect, alice.handle, map[string]any{"addrs": []string{closed + "/p2p/" + bob.id}})
	require.Contains(t, message, closed)
	require.Contains(t, message, "connection refused")
	require.NotContains(t, message, "\n")
	p.refused(t, boundary.DialFailed, boundary.OpConnect, alice.handle, map[string]any{"addrs": []string{"/p2p/" + bob.id}})

	p.refused(t, boundary.PeerSelf, boundary.OpConnect, alice.handle, map[string]any{"addrs": alice.addresses})
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
