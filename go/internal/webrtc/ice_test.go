package webrtc

import (
	"testing"

	pion "github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

func TestServersThatPionCannotUseAreRefusedByName(t *testing.T) {
	turn := func(username, credential string, urls ...string) ICE {
		return ICE{TurnServers: []TurnServer{{urls, username, credential}}}
	}
	for message, ice := range map[string]ICE{
		`"stun.example.org:3478" is not the URI of a STUN server (unknown scheme type): is it stun:stun.example.org:3478?`: {
			StunServers: []string{"stun:127.0.0.1:3478", "stun.example.org:3478"},
		},
		`is it stun:192.0.2.1:3478?`:        {StunServers: []string{"192.0.2.1:3478"}},
		`write it as stun:<host>:<port>`:    {StunServers: []string{"http://example.org"}},
		`"stun:" is not the URI`:            {StunServers: []string{"stun:"}},
		`a port is between 1 and 65535`:     {StunServers: []string{"stun:example.org:65536"}},
		`"turn:a:1" is a TURN server`:       {StunServers: []string{"turn:a:1"}},
		`is it turn:turn.example.org?`:      turn("alice", "secret", "turn:a:1", "turn.example.org"),
		`needs a username and a credential`: turn("alice", "", "turn:a:1"),
		`server "turns:a:1" needs`:          turn("", "secret", "turns:a:1"),
	} {
		_, err := ice.Servers()
		require.ErrorContains(t, err, message)
		require.Equal(t, boundary.AddressInvalid, boundary.AsError(err).Code)
	}
}

func TestWhatIsNotRefusedPionTakes(t *testing.T) {
	servers, err := ICE{
		StunServers: []string{"stun:127.0.0.1", "stuns:example.org:1", "stun:[::1]:3478"},
		TurnServers: []TurnServer{{[]string{"turn:a?transport=tcp", "turns:b:5349?transport=udp", "stun:c"}, "alice", "secret"}, {[]string{"stun:d"}, "", ""}},
	}.Servers()
	require.NoError(t, err)
	api, err := newAPI([]string{"127.0.0.1"})
	require.NoError(t, err)
	pc, err := api.NewPeerConnection(pion.Configuration{ICEServers: servers})
	require.NoError(t, err)
	require.NoError(t, pc.Close())
}
