// The two shapes in which libraries hand over records: log/slog (go-libp2p, pubsub, quic-go, and through it Go's log) and zap (go-log, which
// the DHT uses).

package logging

import (
	"context"
	"encoding"
	"fmt"
	"log/slog"
	"math"
	"slices"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/gologshim"
	"go.uber.org/zap/zapcore"
)

// The loggers of all libraries exist by now, but look for their handler when they first log.
func init() {
	gologshim.SetDefaultHandler(handler{name: "libp2p"})
	slog.SetDefault(slog.New(handler{name: "go"}))
	// Go's log has no levels; what comes through it, such as quic-go's remark on socket buffers, is meant as a warning.
	slog.SetLogLoggerLevel(slog.LevelWarn)
	// go-log lets everything pass: the core below asks for the level that is set at the time.
	golog.SetupLogging(golog.Config{Level: golog.LevelDebug})
	golog.SetPrimaryCore(&core{})
}

// handler is a slog.Handler. The attribute "logger" names the logger; the names of groups stand before those of their attributes.
type handler struct {
	name  string
	group string
	attrs []slog.Attr
}

func (handler) Enabled(_ context.Context, level slog.Level) bool { return enabled(level) }

func (h handler) Handle(_ context.Context, r slog.Record) error {
	fields := make(map[string]any, len(h.attrs)+r.NumAttrs())
	name := h.name
	add := func(prefix string, attr slog.Attr) {
		if attr.Key == "logger" && prefix == "" {
			name = attr.Value.String()
			return
		}
		flatten(fields, prefix, attr)
	}
	for _, attr := range h.attrs {
		add("", attr)
	}
	r.Attrs(func(attr slog.Attr) bool {
		add(h.group, attr)
		return true
	})
	emit(r.Time, r.Level, name, r.Message, fields)
	return nil
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = slices.Clone(h.attrs)
	for _, attr := range attrs {
		if attr.Key == "logger" && h.group == "" {
			h.name = attr.Value.String()
			continue
		}
		attr.Key = h.group + attr.Key
		h.attrs = append(h.attrs, attr)
	}
	return h
}

func (h handler) WithGroup(name string) slog.Handler {
	if name != "" {
		h.group += name + "."
	}
	return h
}

func flatten(fields map[string]any, prefix string, attr slog.Attr) {
	value := attr.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if attr.Key != "" {
			prefix += attr.Key + "."
		}
		for _, member := range value.Group() {
			flatten(fields, prefix, member)
		}
		return
	}
	if attr.Key != "" {
		fields[prefix+attr.Key] = plain(value.Any())
	}
}

// plain is a value as JSON can carry it.
func plain(value any) any {
	switch v := value.(type) {
	case nil, bool, string, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return v
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
		return v
	case error:
		return fmt.Sprint(v)
	case fmt.Stringer:
		return fmt.Sprint(v)
	case encoding.TextMarshaler:
		if text, err := v.MarshalText(); err == nil {
			return string(text)
		}
	}
	return fmt.Sprintf("%+v", value)
}

// core is a zapcore.Core; its fields are those of Logger.With.
type core struct{ fields []zapcore.Field }

func (*core) Enabled(level zapcore.Level) bool { return enabled(slogLevel(level)) }

func (c *core) With(fields []zapcore.Field) zapcore.Core {
	return &core{fields: append(slices.Clip(c.fields), fields...)}
}

func (c *core) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

func (c *core) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	encoder := zapcore.NewMapObjectEncoder()
	for _, field := range append(slices.Clip(c.fields), fields...) {
		field.AddTo(encoder)
	}
	for key, value := range encoder.Fields {
		encoder.Fields[key] = plain(value)
	}
	emit(entry.Time, slogLevel(entry.Level), entry.LoggerName, entry.Message, encoder.Fields)
	return nil
}

func (*core) Sync() error { return nil }

func slogLevel(level zapcore.Level) slog.Level {
	switch {
	case level >= zapcore.ErrorLevel:
		return slog.LevelError
	case level >= zapcore.WarnLevel:
		return slog.LevelWarn
	case level >= zapcore.InfoLevel:
		return slog.LevelInfo
	default:
		return slog.LevelDebug
	}
}
