// The functions of bridge.h behind one address, for a runtime in which every argument costs.

#include "bridge.h"

int32_t p2p_call(const struct p2p_arguments *call) {
	switch (call->function) {
	case P2P_CALL_OPEN:
		return p2p_open(call->flags);
	case P2P_CALL_FD:
		return p2p_fd(call->link);
	case P2P_CALL_WAKE:
		return p2p_wake(call->link, call->port, call->buf, call->len);
	case P2P_CALL_SUBMIT:
		return p2p_submit(call->link, call->buf, call->len);
	case P2P_CALL_RING:
		return p2p_ring(call->link);
	case P2P_CALL_DRAIN:
		return p2p_drain(call->link, call->buf, call->len, call->wait);
	case P2P_CALL_TAKE:
		return p2p_take(call->link, call->buf, call->len);
	case P2P_CALL_CHANNEL:
		return p2p_channel(call->link, call->slot, call->buf, call->len);
	case P2P_CALL_OUTLET:
		return p2p_outlet(call->link);
	case P2P_CALL_SEND:
		return p2p_send(call->link, call->outlet, call->slot, call->buf, call->len);
	case P2P_CALL_WAIT:
		return p2p_wait(call->link, call->outlet, call->below);
	case P2P_CALL_CLOSE:
		return p2p_close(call->link);
	default:
		return P2P_E_RANGE;
	}
}
