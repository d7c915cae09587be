package logging

import (
	"encoding/json"
	"errors"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/gologshim"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

// sink is a link that keeps the records posted to it.
type sink struct {
	boundary.Port
	mu      sync.Mutex
	records []record
}

func (s *sink) Post(_ boundary.Kind, node, _ uint32, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var r record
	if err := json.Unmarshal(body, &r); err != nil || node != 0 {
		panic("not a log event")
	}
	s.records = append(s.records, r)
}

func attach(t *testing.T, level string) *sink {
	t.Helper()
	s := &sink{}
	flood = limiter{}
	detach := Attach(s)
	require.NoError(t, SetLevel(level))
	t.Cleanup(func() {
		detach()
		require.NoError(t, SetLevel("off"))
	})
	return s
}

func TestRecordsOfEveryKindOfLoggerBecomeEvents(t *testing.T) {
	s := attach(t, "info")
	gologshim.Logger("swarm").With("peer", "p").Warn("from go-libp2p", "err", errors.New("broken"), "took", time.Second)
	golog.Logger("dht").With("key", 1).Errorw("from go-log", "n", 2)
	slog.Info("from slog", slog.Group("g", "a", 1))
	log.Print("from log")
	Logger("pubsub").WithGroup("rpc").Info("from pubsub", "size", 3)

	require.Len(t, s.records, 5)
	var got []string
	for _, r := range s.records {
		got = append(got, r.Level+" "+r.Logger+" "+r.Message)
		require.InDelta(t, float64(time.Now().UnixMilli()), r.Time, 60_000)
	}
	require.Equal(t, []string{
		"warn swarm from go-libp2p", "error dht from go-log", "info go from slog", "warn go from log", "info pubsub from pubsub",
	}, got)
	require.Equal(t, map[string]any{"peer": "p", "err": "broken", "took": "1s"}, s.records[0].Fields)
	require.Equal(t, map[string]any{"key": 1.0, "n": 2.0}, s.records[1].Fields)
	require.Equal(t, map[string]any{"g.a": 1.0}, s.records[2].Fields)
	require.Equal(t, map[string]any{"rpc.size": 3.0}, s.records[4].Fields)
}

func TestOnlyTheLevelThatIsSetPassesAndItMayChange(t *testing.T) {
	s := attach(t, "error")
	logger, other := gologshim.Logger("one"), golog.Logger("two")
	logger.Warn("no")
	other.Warn("no")
	require.Empty(t, s.records)
	require.NoError(t, SetLevel("debug"))
	logger.Debug("yes")
	other.Debug("yes")
	require.Len(t, s.records, 2)
	require.NoError(t, SetLevel("off"))
	logger.Error("no")
	require.Len(t, s.records, 2)
	require.Error(t, SetLevel("loud"))
}

func TestALinkThatIsGoneGetsNothing(t *testing.T) {
	s := attach(t, "info")
	other := &sink{}
	Attach(other)()
	slog.Info("hello")
	require.Len(t, s.records, 1)
	require.Empty(t, other.records)
}

func TestAFloodOfRecordsIsCutAndCounted(t *testing.T) {
	s := attach(t, "info")
	now := time.Unix(1000, 0)
	for range perSecond + 7 {
		emit(now, slog.LevelInfo, "flood", "again", nil)
	}
	require.Len(t, s.records, perSecond)
	emit(now.Add(time.Second), slog.LevelInfo, "flood", "later", nil)
	require.Equal(t, "7 log records of the last second were left out", s.records[perSecond].Message)
	require.Equal(t, "later", s.records[perSecond+1].Message)
}

func TestNoLibraryReachesStdoutOrStderrWhateverTheEnvironmentSays(t *testing.T) {
	program := filepath.Join(t.TempDir(), "chatty")
	output, err := exec.Command("go", "build", "-o", program, "./testdata/chatty").CombinedOutput()
	require.NoError(t, err, string(output))
	for _, environment := range [][]string{
		nil,
		{"GOLOG_LOG_LEVEL=nonsense", "GOLOG_LOG_LABELS=nonsense", "QUIC_GO_LOG_LEVEL=nonsense"},
		{"GOLOG_LOG_LEVEL=debug", "GOLOG_OUTPUT=stdout+stderr", "GOLOG_CAPTURE_DEFAULT_SLOG=true", "PION_LOG_TRACE=all"},
	} {
		run := exec.Command(program)
		run.Env = append(os.Environ(), environment...)
		output, err := run.CombinedOutput()
		require.NoError(t, err)
		require.Empty(t, string(output), "with %v", environment)
	}
}
