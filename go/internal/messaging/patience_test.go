package messaging

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/stretchr/testify/require"

	"github.com/unaiverse/p2p/go/internal/boundary/porttest"
)

// slow brings a part of what is left each time a pause is over.
type slow struct {
	scripted
	left, come []byte
	part       int
	pause      time.Duration
	ended      chan struct{}
}

func (s *slow) Read(into []byte) (int, error) {
	if len(s.come) == 0 {
		if len(s.left) == 0 {
			return 0, io.EOF
		}
		select {
		case <-time.After(s.pause):
		case <-s.ended:
			return 0, network.ErrReset
		}
		part := min(s.part, len(s.left))
		s.come, s.left = s.left[:part], s.left[part:]
	}
	n := copy(into, s.come)
	s.come = s.come[n:]
	return n, nil
}

func (s *slow) ResetWithError(network.StreamErrorCode) error {
	close(s.ended)
	return nil
}

func TestAFrameThatRestsIsCutAndOneThatComesSlowlyIsNot(t *testing.T) {
	frame := porttest.Frame("channel", make([]byte, 1<<20))
	for name, test := range map[string]struct {
		part  int
		pause time.Duration
		whole bool
	}{
		"a byte a second":       {1, time.Second, false},
		"all but one byte":      {len(frame) - 1, 2 * restTimeout, false},
		"just fast enough":      {11 << 10, time.Second, true},
		"much, and then a rest": {600 << 10, restTimeout - time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, port := bareReader(t, nil)
				str := &slow{left: frame, part: test.part, pause: test.pause, ended: make(chan struct{})}
				r.str.Stream = str
				began := time.Now()
				err := r.run()
				r.close()
				if test.whole {
					require.ErrorIs(t, err, io.EOF)
					require.Len(t, port.Messages(), 1)
					return
				}
				want := Loss{Reason: reasonTooSlow, Messages: 1, Bytes: len(frame) - len(str.left), UpTo: true}
				require.Equal(t, want, err.(*refusal).loss())
				require.LessOrEqual(t, time.Since(began), test.pause+restTimeout+time.Second)
			})
		})
	}
}
