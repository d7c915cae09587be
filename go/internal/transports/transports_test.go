package transports

import (
	"testing"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

const (
	someone  = "/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
	certhash = "uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ"
)

func TestATransportIsNamedByItsAddress(t *testing.T) {
	for addr, name := range map[string]string{
		"/ip4/127.0.0.1/tcp/1":                                           "tcp",
		"/ip4/127.0.0.1/tcp/1/ws":                                        "ws",
		"/dns4/example.org/tcp/1/tls/ws":                                 "ws",
		"/dns4/example.org/tcp/1/wss":                                    "ws",
		"/ip4/127.0.0.1/udp/1/quic-v1":                                   "quic",
		"/ip4/127.0.0.1/udp/1/quic-v1/webtransport":                      "webtransport",
		"/ip4/127.0.0.1/udp/1/quic-v1/webtransport/certhash/" + certhash: "webtransport",
		"/ip4/127.0.0.1/udp/1/webrtc-direct":                             "webrtc-direct",
		"/ip4/127.0.0.1/udp/1/webrtc-direct/certhash/" + certhash:        "webrtc-direct",
	} {
		require.Equal(t, name, Of(ma.StringCast(addr)), addr)
		require.Equal(t, name, Of(ma.StringCast(addr+someone)), addr)
		require.Equal(t, "relay", Of(ma.StringCast(addr+someone+"/p2p-circuit")), "through a relay at %s", addr)
		require.Equal(t, "relay", Of(ma.StringCast(addr+someone+"/p2p-circuit"+someone)), "through a relay at %s", addr)
	}
}
