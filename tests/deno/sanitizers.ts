/**
 * Deno's sanitizers: a closed node leaves no operation, resource or exit behind.
 * Not named `.test.ts`, so that Bun leaves it alone; the test command runs it by
 * itself.
 */
import { assertEquals } from "@std/assert";
import { connect, createNode, directChannel } from "../support/node.ts";
import { decode, encode, take } from "../support/wait.ts";

const STRICT = {
  sanitizeOps: true,
  sanitizeResources: true,
  sanitizeExit: true,
};

for (const round of ["first", "second"]) {
  Deno.test({
    ...STRICT,
    name: `the ${round} node leaves nothing behind when it is closed`,
    fn: async () => {
      await using _node = await createNode();
    },
  });
}

Deno.test({
  ...STRICT,
  name: "two nodes that talked leave nothing behind when they are closed",
  fn: async () => {
    await using alice = await createNode();
    await using bob = await createNode();
    await connect(alice, bob);
    await alice.subscribeToTopic("x::ps:y");
    await alice.sendMessageToPeer(directChannel(alice, bob), encode("hello"));
    assertEquals(decode((await take(bob, 1))[0].data), "hello");
  },
});

Deno.test({
  ...STRICT,
  name: "a node that could not be created leaves nothing behind",
  fn: async () => {
    await createNode({ identityDir: "deno.json" }).catch(() => {});
  },
});
