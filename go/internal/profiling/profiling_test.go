package profiling

import (
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

func TestProfilesCanBeReadOnTheLoopbackAddress(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.Equal(t, boundary.AddressInUse, boundary.AsError(Serve(address)).Code)
	require.NoError(t, free.Close())

	require.NoError(t, Serve(address))
	for path, part := range map[string]string{"goroutine?debug=1": "goroutine profile", "cmdline": "profiling.test", "": "heap"} {
		answer, err := http.Get("http://" + address + "/debug/pprof/" + path)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		_ = answer.Body.Close()
		require.Contains(t, string(body), part)
	}
}

func TestOnlyLoopbackAddressesAreListenedOn(t *testing.T) {
	for _, address := range []string{"", "6060", ":6060", "0.0.0.0:6060", "[::]:6060", "192.0.2.1:6060", "localhost:6060", "example.org:6060"} {
		require.Equal(t, boundary.AddressInvalid, boundary.AsError(Serve(address)).Code, address)
	}
}
