package porttest

import "github.com/unaiverse/p2p/go/internal/boundary"

// Item is a record or a message, as one of both came out.
type Item struct {
	Record  *Record
	Message *Message
}

// Program is JavaScript's end of a link.
type Program interface {
	// Port is Go's end of it.
	Port() boundary.Port
	// Drain returns what Go has queued since the last time, in order.
	Drain() []Item
	// Outlet makes an outlet.
	Outlet() uint32
	// Send sends a message and returns the bytes outstanding; false when there is no such outlet.
	Send(outlet uint32, channel string, payload []byte) (outstanding int, known bool)
	// Frames returns the next run of frames that Go is given.
	Frames() boundary.Frames
	// Wait says whether fewer bytes are outstanding than below; else a ROOM record comes when that is so, for 0 in any case.
	Wait(outlet, below uint32) bool
	// End closes the link.
	End()
}

// Program is the other end of the Port, for the tests that hold the Port to what the bridge does.
func (p *Port) Program() Program { return &standIn{p} }

// program is what the Port knows of its other end.
type program struct {
	last    uint32
	outlets map[uint32]*outlet
	sent    []boundary.Frames
}

type outlet struct {
	outstanding int
	below       int
	waiting     bool
}

type standIn struct{ port *Port }

func (s *standIn) Port() boundary.Port { return s.port }

func (s *standIn) Drain() (items []Item) {
	p := s.port
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, entry := range p.queue {
		if entry.record != nil {
			items = append(items, Item{Record: entry.record})
			continue
		}
		for _, message := range p.chunks.read(entry.run) {
			items = append(items, Item{Message: &message})
		}
	}
	p.queue = nil
	return items
}

func (s *standIn) Outlet() uint32 {
	s.port.mu.Lock()
	defer s.port.mu.Unlock()
	program := &s.port.program
	program.last++
	program.outlets[program.last] = &outlet{}
	return program.last
}

func (s *standIn) Send(id uint32, channel string, payload []byte) (outstanding int, known bool) {
	s.port.mu.Lock()
	defer s.port.mu.Unlock()
	program := &s.port.program
	o := program.outlets[id]
	if o == nil {
		return 0, false
	}
	frame := Frame(channel, payload)
	o.outstanding += len(frame)
	program.sent = append(program.sent, boundary.Frames{Outlet: id, Data: frame})
	return o.outstanding, true
}

func (s *standIn) Frames() boundary.Frames {
	s.port.mu.Lock()
	defer s.port.mu.Unlock()
	program := &s.port.program
	next := program.sent[0]
	program.sent = program.sent[1:]
	return next
}

func (s *standIn) Wait(id, below uint32) bool {
	s.port.mu.Lock()
	defer s.port.mu.Unlock()
	o := s.port.program.outlets[id]
	enough := o.outstanding < int(below)
	o.below, o.waiting = max(1, int(below)), !enough
	s.port.tellRoomLocked(id, o)
	return enough
}

func (s *standIn) End() {
	s.port.mu.Lock()
	defer s.port.mu.Unlock()
	s.port.ended = true
	for _, entry := range s.port.queue {
		s.port.queueLocked(entry)
	}
	s.port.queue = nil
}

func (p *Port) writtenLocked(frames boundary.Frames) {
	if o := p.program.outlets[frames.Outlet]; o != nil {
		o.outstanding -= len(frames.Data)
		p.tellRoomLocked(frames.Outlet, o)
	}
}

func (p *Port) tellRoomLocked(id uint32, o *outlet) {
	if o.waiting && o.outstanding < o.below {
		o.waiting = false
		p.queueLocked(entry{record: &Record{Kind: boundary.KindRoom, A: id}})
	}
}
