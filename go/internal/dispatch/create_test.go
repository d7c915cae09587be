package dispatch

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

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
	b.refused(t, boundary.TopicFailed, boundary.OpPublish, lastNode(t, b), publishBody("t", strings.Repeat("x", 1000)))
}

func lastNode(t *testing.T, p *program) (handle uint32) {
	t.Helper()
	for _, m := range p.members() {
		handle = max(handle, m.Handle())
	}
	return handle
}

// A watcher restarts a program within its process: the new link asks for what the nodes of the old one are about to let go.
func TestCreateWaitsForTheNodesOfALinkThatIsEnding(t *testing.T) {
	old, stalled := openProgram(t), openProgram(t)
	wanted := map[string]any{"port": freePort(t), "identityDir": t.TempDir()}
	first := old.create(t, wanted)
	second := stalled.create(t, nil)
	first.connect(t, second.over(t, "/tcp"))
	// What a peer does not read any more holds up the end of its sender.
	old.ask(t, boundary.OpOutletOpen, first.handle, map[string]any{"outlet": 1, "peer": second.id})
	for range 3 {
		old.Frames(boundary.Frames{Outlet: 1, Data: porttest.Frame("c", make([]byte, 4<<20))})
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		old.Close()
	}()
	require.Eventually(t, func() bool {
		library.mu.Lock()
		defer library.mu.Unlock()
		return library.closing > 0
	}, patience, time.Millisecond)
	restarted := openProgram(t).create(t, wanted)
	require.Equal(t, first.id, restarted.id)
	<-ended
}
