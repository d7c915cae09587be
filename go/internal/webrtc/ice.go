package webrtc

import (
	"errors"

	"github.com/pion/stun/v4"
	pion "github.com/pion/webrtc/v4"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// ICE names the servers that help two nodes to find a way to each other. Without any, only their own addresses are tried.
type ICE struct {
	StunServers []string
	TurnServers []TurnServer
}

// TurnServer is one TURN server.
type TurnServer struct {
	URLs                 []string
	Username, Credential string
}

var errPort = errors.New("a port is between 1 and 65535")

// Servers are what pion takes. The error names what it could not use: with such a server no handshake would succeed, and nobody would say why.
func (i ICE) Servers() (servers []pion.ICEServer, err error) {
	for _, uri := range i.StunServers {
		if err := checkStun(uri); err != nil {
			return nil, err
		}
	}
	if len(i.StunServers) > 0 {
		servers = append(servers, pion.ICEServer{URLs: i.StunServers})
	}
	for _, turn := range i.TurnServers {
		for _, uri := range turn.URLs {
			if err := turn.check(uri); err != nil {
				return nil, err
			}
		}
		servers = append(servers, pion.ICEServer{URLs: turn.URLs, Username: turn.Username, Credential: turn.Credential})
	}
	return servers, nil
}

func checkStun(text string) error {
	uri, err := parse(text)
	if err != nil {
		return invalid("STUN", text, "stun:", err)
	}
	if isTurn(uri) {
		return boundary.Errorf(boundary.AddressInvalid, "%q is a TURN server: it belongs to those, with its username and credential", text)
	}
	return nil
}

func (t TurnServer) check(text string) error {
	uri, err := parse(text)
	if err != nil {
		return invalid("TURN", text, "turn:", err)
	}
	if isTurn(uri) && (t.Username == "" || t.Credential == "") {
		return boundary.Errorf(boundary.AddressInvalid, "the TURN server %q needs a username and a credential", text)
	}
	return nil
}

// parse reads a URI as pion does when a handshake begins, and its port as the system does.
func parse(text string) (*stun.URI, error) {
	uri, err := stun.ParseURI(text)
	if err == nil && (uri.Port < 1 || uri.Port > 65535) {
		err = errPort
	}
	return uri, err
}

func isTurn(uri *stun.URI) bool {
	return uri.Scheme == stun.SchemeTypeTURN || uri.Scheme == stun.SchemeTypeTURNS
}

func invalid(kind, text, scheme string, err error) error {
	remedy := "write it as " + scheme + "<host>:<port>"
	if _, err := parse(scheme + text); err == nil {
		remedy = "is it " + scheme + text + "?"
	}
	return boundary.Errorf(boundary.AddressInvalid, "%q is not the URI of a %s server (%w): %s", text, kind, err, remedy)
}
