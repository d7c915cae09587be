// Names that are dialled, and the name server on loopback that knows them.

package node

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	madns "github.com/multiformats/go-multiaddr-dns"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

// zone is what the name server knows: IPv4 addresses and texts of names.
type zone struct {
	hosts map[string][4]byte
	texts map[string]string
}

// serve answers for a zone from now on until the test ends; any other name does not exist.
func (z zone) serve(t *testing.T) {
	t.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = socket.Close() })
	go func() {
		packet := make([]byte, 4096)
		for {
			n, from, err := socket.ReadFrom(packet)
			if err != nil {
				return
			}
			var query dnsmessage.Message
			if query.Unpack(packet[:n]) != nil || len(query.Questions) == 0 {
				continue
			}
			if answer, err := z.answer(query); err == nil {
				_, _ = socket.WriteTo(answer, from)
			}
		}
	}()
	local := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp4", socket.LocalAddr().String())
	}}
	resolver, err := madns.NewResolver(madns.WithDefaultResolver(local))
	require.NoError(t, err)
	before := names
	names = swarm.ResolverFromMaDNS{Resolver: resolver}
	t.Cleanup(func() { names = before })
}

func (z zone) answer(query dnsmessage.Message) ([]byte, error) {
	question := query.Questions[0]
	name := question.Name.String()
	reply := dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true, RecursionAvailable: true}, Questions: query.Questions}
	header := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class, TTL: 1}
	host, isHost := z.hosts[name]
	text, isText := z.texts[name]
	switch {
	case !isHost && !isText:
		reply.RCode = dnsmessage.RCodeNameError
	case isHost && question.Type == dnsmessage.TypeA:
		reply.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: host}}}
	case isText && question.Type == dnsmessage.TypeTXT:
		reply.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.TXTResource{TXT: []string{text}}}}
	}
	return reply.Pack()
}

func TestANameThatDoesNotResolveIsToldAndNothingElseIsDialled(t *testing.T) {
	b := startNode(t, nil, "tcp")
	tcp := addrsOf(b)[0].String()
	zone{
		hosts: map[string][4]byte{"bob.test.": {127, 0, 0, 1}},
		texts: map[string]string{"_dnsaddr.bob.test.": "dnsaddr=" + at(b, tcp), "_dnsaddr.empty.test.": "nothing"},
	}.serve(t)
	a := startNode(t, nil, "tcp", "ws")
	a.host.Peerstore().AddAddrs(b.host.ID(), addrsOf(b), peerstore.TempAddrTTL)
	port := strings.Split(tcp, "/")[4]
	for addr, reason := range map[string]string{
		"/dns4/nobody.test/tcp/" + port:               "DNS cannot resolve the name nobody.test",
		"/dns/nobody.test/tcp/" + port + "/ws":        "DNS cannot resolve the name nobody.test",
		"/dns6/bob.test/tcp/" + port:                  "DNS cannot resolve the name bob.test",
		"/dnsaddr/nobody.test":                        "DNS cannot resolve the name _dnsaddr.nobody.test",
		"/dnsaddr/empty.test":                         "DNS has no address of the peer below the name empty.test",
		"/dns4/nobody.test/tcp/" + port + "/wss":      "DNS cannot resolve the name nobody.test",
		"/dns4/nobody..test/udp/" + port + "/quic-v1": "DNS cannot resolve the name nobody..test",
	} {
		_, err := a.Connect(t.Context(), []string{at(b, addr)})
		require.Contains(t, refusedDial(t, err), addr+": "+reason)
	}
	for _, addr := range []string{"/dns4/bob.test/tcp/" + port, "/dns/bob.test/tcp/" + port, "/dnsaddr/bob.test"} {
		connected, err := a.Connect(t.Context(), []string{at(b, addr)})
		require.NoError(t, err)
		require.Equal(t, []string{tcp}, connected.Addrs)
		apart(t, a, b)
	}
	resolved, failures := resolve(t.Context(), a.dialer.swarm, b.host.ID(), []ma.Multiaddr{ma.StringCast("/dns4/bob.test/tcp/443/tls/ws")})
	require.Empty(t, failures)
	require.Equal(t, "/ip4/127.0.0.1/tcp/443/tls/sni/bob.test/ws", resolved[0].String(), "the certificate has to hold for the name")
}
