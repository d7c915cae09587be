// The stand-in for JavaScript that the tests of this package share: it sends requests and reads what comes back.

package dispatch

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

const patience = 20 * time.Second

// program is a link and the number of its last request.
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
		"maxTopicMessageSize": 65536,
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
