package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime"
	"sync"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/logging"
	"github.com/unaiverse/p2p/go/internal/profiling"
)

// settings are those of SETUP. They hold for the whole process, whichever link names them first.
type settings struct {
	MaxInstances   int    `json:"maxInstances"`
	MaxMessageSize int    `json:"maxMessageSize"`
	LogLevel       string `json:"logLevel"`
	Pprof          string `json:"pprof"`
}

// library is what all links of the process share.
var library = struct {
	mu       sync.Mutex
	chosen   bool
	settings settings
	nodes    int
	sessions map[*Session]struct{}
	// closing counts the nodes that are about to end; ended is closed when one of them has, and replaced.
	closing int
	ended   chan struct{}
}{
	settings: settings{MaxInstances: 32, MaxMessageSize: 52428800, LogLevel: "off"},
	sessions: map[*Session]struct{}{},
	ended:    make(chan struct{}),
}

func init() {
	guard.OnPanic(func(err *boundary.Error) {
		library.mu.Lock()
		defer library.mu.Unlock()
		for s := range library.sessions {
			s.warn(err)
		}
	})
}

type applied struct {
	Applied bool `json:"applied"`
}

func setup(body []byte) (any, error) {
	wanted := settings{}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wanted); err != nil {
		return nil, boundary.Errorf(boundary.Internal, "the library settings cannot be read: %w", err)
	}
	library.mu.Lock()
	defer library.mu.Unlock()
	if !library.chosen {
		if err := logging.SetLevel(wanted.LogLevel); err != nil {
			return nil, err
		}
		library.chosen, library.settings = true, wanted
		if wanted.Pprof != "" {
			if err := profiling.Serve(wanted.Pprof); err != nil {
				return nil, err
			}
		}
	}
	return applied{library.settings == wanted}, nil
}

// reserve takes a place for a node, and says how large its messages may be.
func reserve() (maxMessageSize int, err error) {
	library.mu.Lock()
	defer library.mu.Unlock()
	if library.nodes >= library.settings.MaxInstances {
		return 0, boundary.Errorf(boundary.Limit, "there are %d nodes in this process, as many as maxInstances allows", library.nodes)
	}
	library.nodes++
	return library.settings.MaxMessageSize, nil
}

func release() {
	library.mu.Lock()
	library.nodes--
	library.mu.Unlock()
}

// closeOf runs the end of a node.
func closeOf(end func()) {
	library.mu.Lock()
	library.closing++
	library.mu.Unlock()
	end()
	library.mu.Lock()
	library.closing--
	close(library.ended)
	library.ended = make(chan struct{})
	library.mu.Unlock()
}

// afterClosing runs create again for as long as it fails for want of what an ending node of this process still has: its port, its identity
// or its place. A watcher restarts a program in the same process, and the new run asks before the old one has let go.
func afterClosing(ctx context.Context, create func() error) error {
	for {
		library.mu.Lock()
		closing, ended := library.closing, library.ended
		library.mu.Unlock()
		err := create()
		if err == nil || closing == 0 {
			return err
		}
		switch boundary.AsError(err).Code {
		case boundary.AddressInUse, boundary.IdentityInUse, boundary.Limit:
		default:
			return err
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

type inspection struct {
	Goroutines int `json:"goroutines"`
	Nodes      int `json:"nodes"`
	Links      int `json:"links"`
	Chunks     int `json:"chunks"`
	// Held is what the nodes of the link keep of peers, channels and topics.
	Held map[string]int `json:"held"`
}

func (s *Session) inspect() inspection {
	held := map[string]int{}
	for _, m := range s.members() {
		for kind, count := range m.Held() {
			held[kind] += count
		}
	}
	library.mu.Lock()
	defer library.mu.Unlock()
	return inspection{
		Goroutines: runtime.NumGoroutine(), Nodes: library.nodes, Links: len(library.sessions), Chunks: s.port.Chunks(), Held: held,
	}
}
