// A name server on loopback for the tests of this package.

package node

import (
	"context"
	"net"
	"testing"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"
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
