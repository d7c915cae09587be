package program

// #include "../bridge.h"
import "C"

import (
	"encoding/binary"
	"runtime"
	"unsafe"
)

// Function is a number of p2p_call.
type Function uint32

// The functions behind p2p_call.
const (
	CallOpen    Function = C.P2P_CALL_OPEN
	CallFD      Function = C.P2P_CALL_FD
	CallWake    Function = C.P2P_CALL_WAKE
	CallSubmit  Function = C.P2P_CALL_SUBMIT
	CallRing    Function = C.P2P_CALL_RING
	CallDrain   Function = C.P2P_CALL_DRAIN
	CallTake    Function = C.P2P_CALL_TAKE
	CallChannel Function = C.P2P_CALL_CHANNEL
	CallOutlet  Function = C.P2P_CALL_OUTLET
	CallSend    Function = C.P2P_CALL_SEND
	CallWait    Function = C.P2P_CALL_WAIT
	CallClose   Function = C.P2P_CALL_CLOSE
)

// Call is a call with its arguments in memory; Last is a slot, a bound, a port or flags.
type Call struct {
	Function Function
	Link     int32
	Outlet   uint32
	Last     uint32
	Buffer   []byte
	Wait     int32
}

// Call makes it. The arguments are laid out as docs/boundary.md has them and not as the compiler does.
func (t *Thread) Call(call Call) (int, error) {
	var pinned runtime.Pinner
	defer pinned.Unpin()
	var address uintptr
	if len(call.Buffer) > 0 {
		pinned.Pin(&call.Buffer[0])
		address = uintptr(unsafe.Pointer(&call.Buffer[0]))
	}
	var arguments [4]uint64
	words := unsafe.Slice((*byte)(unsafe.Pointer(&arguments)), 32)
	for i, word := range []uint32{uint32(call.Function), uint32(call.Link), call.Outlet, call.Last} {
		binary.LittleEndian.PutUint32(words[4*i:], word)
	}
	binary.LittleEndian.PutUint64(words[16:], uint64(address))
	binary.LittleEndian.PutUint32(words[24:], uint32(len(call.Buffer)))
	binary.LittleEndian.PutUint32(words[28:], uint32(call.Wait))
	return t.ask(func() C.int32_t { return C.p2p_call((*C.struct_p2p_arguments)(unsafe.Pointer(&arguments))) })
}
