package webrtc

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"
)

func TestADescriptionWithTooManyAddressesOrMediaIsRefused(t *testing.T) {
	const media = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
	const address = "a=candidate:1 1 udp 1 127.0.0.1 1 typ host\r\n"
	ha, hb, dial := relayed(t)
	b := newSide(t, hb, time.Hour)
	dial(ha, hb)
	for reason, sdp := range map[string]string{
		"257 addresses": media + strings.Repeat(address, maxCandidates+1),
		"2 media":       media + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n",
		"0 media":       address,
	} {
		str := ask(t, ha, hb)
		require.NoError(t, writeSignal(str, signal{Type: "offer", SDP: "v=0\r\n" + sdp}))
		require.Equal(t, string(refusedMalformed), refusalOf(t, str))
		b.awaitState(t, ha.ID(), idle)
		h, err := b.newHandshake(&remote{id: ha.ID()})
		require.NoError(t, err)
		require.ErrorContains(t, h.take(pion.SDPTypeOffer, "v=0\r\n"+sdp), reason)
		require.NoError(t, h.pc.Close())
	}
}

func TestAPeerThatOpensManyDataChannelsIsCutOff(t *testing.T) {
	_, _, ours, theirs := channels(t)
	for i := range maxDataChannels {
		_, err := ours.pc.CreateDataChannel(fmt.Sprint(i), nil)
		require.NoError(t, err)
	}
	select {
	case <-theirs.done:
	case <-time.After(30 * time.Second):
		t.Fatal("the channel is still open")
	}
}

// A panic in a callback of pion's would end the process.
func TestEveryCallbackOfPionIsGuarded(t *testing.T) {
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	callbacks := 0
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			callbacks += guardedCallbacks(t, name)
		}
	}
	require.GreaterOrEqual(t, callbacks, 6)
}

func guardedCallbacks(t *testing.T, name string) (count int) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(node ast.Node) bool {
		call, is := node.(*ast.CallExpr)
		if !is {
			return true
		}
		method, is := call.Fun.(*ast.SelectorExpr)
		if !is || !(strings.HasPrefix(method.Sel.Name, "On") || strings.HasSuffix(method.Sel.Name, "Filter") || method.Sel.Name == "SetStreamHandler") {
			return true
		}
		fn, is := call.Args[len(call.Args)-1].(*ast.FuncLit)
		require.True(t, is, "%s is not given a function literal", method.Sel.Name)
		first, is := fn.Body.List[0].(*ast.ExprStmt)
		require.True(t, is, method.Sel.Name)
		guarded := first.X.(*ast.CallExpr).Fun.(*ast.SelectorExpr)
		require.Equal(t, "guard.Do", fmt.Sprintf("%s.%s", guarded.X, guarded.Sel), method.Sel.Name)
		count++
		return true
	})
	return count
}
