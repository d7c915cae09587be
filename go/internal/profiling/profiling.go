// Package profiling shows what Go's profiler knows of this process, over HTTP on a loopback address, to `go tool pprof` and to browsers.
package profiling

import (
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
)

// Serve listens for as long as the process lives. Whoever reaches the address can read memory and slow the process down: it has to be a
// loopback one.
func Serve(address string) error {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return boundary.Errorf(boundary.AddressInvalid, "the profiler listens on loopback addresses only, such as 127.0.0.1:6060, not on %q", address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return boundary.Errorf(boundary.AddressInUse, "the profiler cannot listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	guard.Go("profiling", func() { _ = server.Serve(listener) })
	return nil
}
