package guard

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	os.Exit(m.Run())
}

func TestAPanicInAGoroutineIsReportedAndTheProcessGoesOn(t *testing.T) {
	reports := make(chan *boundary.Error, 1)
	OnPanic(func(err *boundary.Error) { reports <- err })
	Go("a test", func() { panic("on purpose") })
	report := <-reports
	require.Equal(t, boundary.Internal, report.Code)
	require.Equal(t, "panic in a test: on purpose", report.Message)
}

func TestCallReturnsAPanicAsAnErrorAndAnErrorAsItIs(t *testing.T) {
	OnPanic(func(*boundary.Error) {})
	var nothing map[string]int
	err := Call("a write", func() error {
		nothing["key"] = 1
		return nil
	})
	require.Equal(t, boundary.Internal, boundary.AsError(err).Code)
	plain := errors.New("plain")
	require.Equal(t, plain, Call("nothing", func() error { return plain }))
}
