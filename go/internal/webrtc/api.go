package webrtc

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/pion/ice/v4"
	pionlog "github.com/pion/logging"
	pion "github.com/pion/webrtc/v4"

	"github.com/unaiverse/p2p/go/internal/guard"
	"github.com/unaiverse/p2p/go/internal/logging"
)

const (
	// A connection without a sign of life is doubtful after the first of these times, and dead after both.
	disconnectedTimeout = 5 * time.Second
	failedTimeout       = 7 * time.Second
	keepAlive           = 2 * time.Second
	// receiveWindow is what a peer may have sent that is not read.
	receiveWindow = 1 << 20
)

// newAPI sets pion up: channels are read when somebody reads, nothing is asked of the local network by multicast, and a node that listens on
// certain addresses only offers no others.
func newAPI(ips []string) (*pion.API, error) {
	sockets, err := newSockets()
	if err != nil {
		return nil, err
	}
	var settings pion.SettingEngine
	settings.SetNet(sockets)
	settings.DetachDataChannels()
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetICETimeouts(disconnectedTimeout, failedTimeout, keepAlive)
	settings.SetNetworkTypes([]pion.NetworkType{pion.NetworkTypeUDP4, pion.NetworkTypeUDP6})
	settings.SetSCTPMaxMessageSize(maxReceived)
	settings.SetSCTPMaxReceiveBufferSize(receiveWindow)
	settings.LoggerFactory = loggers{}
	listened := make([]net.IP, len(ips))
	for i, text := range ips {
		listened[i] = net.ParseIP(text)
	}
	if len(listened) > 0 && !slices.ContainsFunc(listened, net.IP.IsUnspecified) {
		settings.SetIncludeLoopbackCandidate(true)
		settings.SetIPFilter(func(ip net.IP) (listens bool) {
			guard.Do("webrtc: address", func() { listens = slices.ContainsFunc(listened, ip.Equal) })
			return listens
		})
	}
	return pion.NewAPI(pion.WithSettingEngine(settings)), nil
}

// loggers gives pion the node's logger.
type loggers struct{}

func (loggers) NewLogger(scope string) pionlog.LeveledLogger {
	return logger{logging.Logger("webrtc").With("scope", scope)}
}

type logger struct{ *slog.Logger }

func (l logger) logf(level slog.Level, format string, args []any) {
	if l.Enabled(context.Background(), level) {
		l.Log(context.Background(), level, fmt.Sprintf(format, args...))
	}
}

func (l logger) Trace(string)          {}
func (l logger) Tracef(string, ...any) {}

func (l logger) Debug(message string) { l.Logger.Debug(message) }
func (l logger) Info(message string)  { l.Logger.Info(message) }
func (l logger) Warn(message string)  { l.Logger.Warn(message) }
func (l logger) Error(message string) { l.Logger.Error(message) }

func (l logger) Debugf(format string, args ...any) { l.logf(slog.LevelDebug, format, args) }
func (l logger) Infof(format string, args ...any)  { l.logf(slog.LevelInfo, format, args) }
func (l logger) Warnf(format string, args ...any)  { l.logf(slog.LevelWarn, format, args) }
func (l logger) Errorf(format string, args ...any) { l.logf(slog.LevelError, format, args) }
