// Two nodes on one link and a message from one to the other, by bridge.h and docs/boundary.md alone: what tests a library where no JavaScript
// runtime runs. `two_nodes tcp` or `two_nodes quic`: the transport they talk over. They keep their identities in the current folder.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge.h"

enum { CREATE = 2, CLOSE = 3, CONNECT = 5, OUTLET_OPEN = 8, ANSWER = 1, MESSAGE = 3 };
struct node { unsigned handle; char id[64], addresses[2048]; };
static const char *options = "{\"identityDir\":\"%s\",\"transports\":[\"%s\"],\"ips\":[\"127.0.0.1\"],\"maxTopicMessageSize\":65536}";
static int32_t bridge;

static int32_t check(int32_t answer, const char *what) {
	if (answer >= 0) return answer;
	fprintf(stderr, "%s: %d\n", what, answer);
	exit(1);
}

// The body of the next record of a kind, as a text that lasts until the next call; other records are passed over.
static const char *await(uint8_t kind) {
	static struct { uint8_t kind, flags; uint16_t slot; uint32_t length, a, b; double time; } head;
	static char buffer[64 << 10], text[sizeof buffer];
	static int32_t used, at;
	do {
		while (at == used) used = check(p2p_drain(bridge, (uint8_t *)buffer, sizeof buffer, 1000), "p2p_drain"), at = 0;
		memcpy(&head, buffer + at, sizeof head);
		snprintf(text, sizeof text, "%.*s", (int)head.length, buffer + at + sizeof head);
		at += sizeof head + ((head.length + 7) & ~7u);
	} while (head.kind != kind);
	check(kind == ANSWER && head.b != 0 ? -1 : 0, text);
	return text;
}

static const char *ask(uint32_t op, uint32_t handle, const char *format, const char *one, const char *two) {
	struct { uint32_t op, id, handle, length; char body[4096]; } request = {.op = op, .id = 1, .handle = handle};
	request.length = (uint32_t)snprintf(request.body, sizeof request.body, format, one, two);
	check(p2p_submit(bridge, (uint8_t *)&request, 16 + request.length) + p2p_ring(bridge), "the request");
	return await(ANSWER);
}

int main(int count, char **arguments) {
	struct node nodes[2], *alice = &nodes[0], *bob = &nodes[1];
	check(count == 2 && p2p_abi() == P2P_ABI ? 0 : -1, "usage: two_nodes <transport>, with a library of this ABI");
	bridge = check(p2p_open(0), "p2p_open");
	for (struct node *node = nodes; node < nodes + 2; node++) {
		const char *made = ask(CREATE, 0, options, node == alice ? "alice" : "bob", arguments[1]);
		check(sscanf(made, "{\"node\":%u,\"peerId\":\"%63[^\"]\",\"addresses\":%2047[^]]", &node->handle, node->id, node->addresses) - 3, made);
	}
	ask(CONNECT, alice->handle, "{\"addrs\":%s]%s", bob->addresses, "}");
	char channel[256], outlet[16];
	snprintf(channel, sizeof channel, "%s::dm:%s-text", alice->id, bob->id);
	snprintf(outlet, sizeof outlet, "%d", check(p2p_outlet(bridge), "p2p_outlet"));
	ask(OUTLET_OPEN, alice->handle, "{\"outlet\":%s,\"peer\":\"%s\"}", outlet, bob->id);
	check(p2p_channel(bridge, 0, (uint8_t *)channel, (uint32_t)strlen(channel)), "p2p_channel");
	check(p2p_send(bridge, (uint32_t)atoi(outlet), 0, (uint8_t *)"hello", 5) + p2p_ring(bridge), "p2p_send");
	const char *message = await(MESSAGE);
	check(strcmp(message, "hello") != 0 ? -1 : printf("bob received \"%s\"\n", message), message);
	for (struct node *node = nodes; node < nodes + 2; node++) ask(CLOSE, node->handle, "{\"timeout\":%s%s", "10000", "}");
	return check(p2p_close(bridge), "p2p_close");
}
