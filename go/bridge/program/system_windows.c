// A test binary holds the library's C as well, but Windows links each package first by itself, and nothing that is not there: these only
// stand in for what takes their place.
#include "../bridge.h"

#define STAND_IN __attribute__((weak))

STAND_IN uint32_t p2p_abi(void) { return 0; }
STAND_IN int32_t p2p_open(uint32_t flags) { return P2P_E_CLOSED; }
STAND_IN int32_t p2p_fd(int32_t link) { return P2P_E_CLOSED; }
STAND_IN int32_t p2p_wake(int32_t link, uint32_t port, const uint8_t *token, uint32_t len) { return P2P_E_CLOSED; }
STAND_IN int32_t p2p_submit(int32_t link, const uint8_t *record, uint32_t len) { return P2P_E_CLOSED; }
STAND_IN int32_t p2p_ring(int32_t link) { return P2P_E_CLOSED; }
STAND_IN int32_t p2p_drain(int32_t link, uint8_t *into, uint32_t cap, int32_t wait) { return P2P_E_CLOSED; }
STAND_IN int32_t p2p_take(int32_t link, uint8_t *into, uint32_t cap) { return P2P_E_CLOSED; }
STAND_IN int32_t p2p_channel(int32_t link, uint32_t slot, const uint8_t *name, uint32_t len) { return P2P_E_CLOSED; }
STAND_IN int32_t p2p_outlet(int32_t link) { return P2P_E_CLOSED; }
STAND_IN int32_t p2p_send(int32_t link, uint32_t outlet, uint32_t slot, const uint8_t *payload, uint32_t len) { return P2P_E_CLOSED; }
STAND_IN int32_t p2p_wait(int32_t link, uint32_t outlet, uint32_t below) { return P2P_E_CLOSED; }
STAND_IN int32_t p2p_close(int32_t link) { return P2P_E_CLOSED; }
STAND_IN int32_t p2p_call(const struct p2p_arguments *call) { return P2P_E_CLOSED; }
