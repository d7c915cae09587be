package dispatch

import (
	"bytes"
	"encoding/json"
	"runtime"
	"sync"

	"github.com/unaiverse/p2p/go/internal/boundary"
	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/logging"
)

// settings are those of SETUP. They hold for the whole process, whichever link names them first.
type settings struct {
	MaxInstances   int    `json:"maxInstances"`
	MaxMessageSize int    `json:"maxMessageSize"`
	LogLevel       string `json:"logLevel"`
}

// library is what all links of the process share.
var library = struct {
	mu       sync.Mutex
	chosen   bool
	settings settings
	nodes    int
	sessions map[*Session]struct{}
}{
	settings: settings{MaxInstances: 32, MaxMessageSize: 52428800, LogLevel: "off"},
	sessions: map[*Session]struct{}{},
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

type inspection struct {
	Goroutines int `json:"goroutines"`
	Nodes      int `json:"nodes"`
	Links      int `json:"links"`
	Chunks     int `json:"chunks"`
}

func inspect(port boundary.Port) inspection {
	library.mu.Lock()
	defer library.mu.Unlock()
	return inspection{Goroutines: runtime.NumGoroutine(), Nodes: library.nodes, Links: len(library.sessions), Chunks: port.Chunks()}
}
