// Package logging turns whatever the Go side logs into `log` events for every open link. Libraries log through log, log/slog, go-log and
// go-libp2p's own shim; all of them end here, and nothing is ever written to stdout or stderr.
package logging

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// off is above every level.
const off = slog.Level(math.MaxInt32)

// perSecond bounds the records of one second: a program whose main thread is busy must not pay for a flood with its memory.
const perSecond = 1000

var levels = map[string]slog.Level{
	"off": off, "error": slog.LevelError, "warn": slog.LevelWarn, "info": slog.LevelInfo, "debug": slog.LevelDebug,
}

var (
	threshold atomic.Int64
	ports     sync.Map // *boundary.Port of every open link
	flood     limiter
)

func init() { threshold.Store(int64(off)) }

// SetLevel lets records of the level and above pass: "off", "error", "warn", "info" or "debug".
func SetLevel(name string) error {
	level, known := levels[name]
	if !known {
		return boundary.Errorf(boundary.Internal, "unknown log level %q", name)
	}
	threshold.Store(int64(level))
	return nil
}

// Attach delivers records to a link until detach is called.
func Attach(port boundary.Port) (detach func()) {
	key := &port
	ports.Store(key, nil)
	return func() { ports.Delete(key) }
}

// Logger is for libraries that take a logger, with the name that its records carry.
func Logger(name string) *slog.Logger {
	return slog.New(handler{name: name})
}

func enabled(level slog.Level) bool { return int64(level) >= threshold.Load() }

type record struct {
	Type    string         `json:"type"`
	Time    float64        `json:"time"`
	Level   string         `json:"level"`
	Logger  string         `json:"logger"`
	Message string         `json:"message"`
	Fields  map[string]any `json:"fields"`
}

// emit is called by whatever logs, so it neither blocks nor logs.
func emit(at time.Time, level slog.Level, logger, message string, fields map[string]any) {
	pass, missed := flood.admit(at)
	if missed > 0 {
		deliver(at, slog.LevelWarn, "logging", fmt.Sprintf("%d log records of the last second were left out", missed), nil)
	}
	if pass {
		deliver(at, level, logger, message, fields)
	}
}

func deliver(at time.Time, level slog.Level, logger, message string, fields map[string]any) {
	if fields == nil {
		fields = map[string]any{}
	}
	body, err := json.Marshal(record{
		Type: "log", Time: float64(at.UnixMicro()) / 1000, Level: nameOf(level), Logger: logger, Message: message, Fields: fields,
	})
	if err != nil {
		return
	}
	ports.Range(func(key, _ any) bool {
		(*key.(*boundary.Port)).Post(boundary.KindEvent, 0, 0, body)
		return true
	})
}

func nameOf(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "error"
	case level >= slog.LevelWarn:
		return "warn"
	case level >= slog.LevelInfo:
		return "info"
	default:
		return "debug"
	}
}

// limiter admits perSecond records a second and counts the others.
type limiter struct {
	mu     sync.Mutex
	second int64
	count  int
}

func (l *limiter) admit(at time.Time) (pass bool, missed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := at.Unix(); now != l.second {
		missed = max(0, l.count-perSecond)
		l.second, l.count = now, 0
	}
	l.count++
	return l.count <= perSecond, missed
}
