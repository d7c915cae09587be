/** Where an error comes from: its stack leads to the program's own line, whatever the error went through. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createServer } from "node:net";
import { test } from "node:test";
import { P2P, P2PError } from "../mod.ts";
import { createNode, LOCAL } from "./support/node.ts";
import { runProgram } from "./support/program.ts";

const NOBODY = "12D3KooWEyopopk3YZ5UoyGzMGnwhKd1AJBwNmpAAnGAAX6rvJmo";

/** Calls that fail, each in a function of its own, so that its line is told from others. */
const CALLS: Record<string, (node: P2P) => Promise<unknown>> = {
  create: () => P2P.create({ ...LOCAL, identityDir: "/dev/null" }),
  connectTo: (node) => node.connectTo([`/ip4/127.0.0.1/tcp/1/p2p/${NOBODY}`]),
  disconnectFrom: (node) => node.disconnectFrom("nobody"),
  getNodeAddresses: (node) => node.getNodeAddresses("nobody"),
  reserveOnRelay: (node) => node.reserveOnRelay(NOBODY),
  sendMessageToPeer: (node) =>
    node.sendMessageToPeer(
      `${node.peerId}::dm:${NOBODY}-test`,
      new Uint8Array(1),
    ),
  "sender.ready": async (node) =>
    await node.sender(`${node.peerId}::dm:${NOBODY}-test`).ready,
  "sender.whenReady": (node) =>
    node.sender(`${node.peerId}::dm:${NOBODY}-test`).whenReady(),
};

function leadsHere(error: unknown, operation: string): void {
  assert(error instanceof P2PError, String(error));
  const { stack = "", name, message } = error;
  assertStringIncludes(stack, `${name}: ${message}\n    at `);
  assertStringIncludes(stack, "stacks.test.ts", operation);
}

for (const [operation, call] of Object.entries(CALLS)) {
  test(`the stack of an error of ${operation}() leads to who awaits it`, async () => {
    await using node = await createNode();
    try {
      await call(node);
    } catch (error) {
      return leadsHere(error, operation);
    }
    throw new Error("it did not fail");
  });

  test(`the stack of an error of ${operation}() leads to one of several that are awaited`, async () => {
    await using node = await createNode();
    try {
      await Promise.all([call(node), node.getNodeAddresses()]);
    } catch (error) {
      return leadsHere(error, operation);
    }
    throw new Error("it did not fail");
  });
}

test("the stack of an error leads to a caller that does not await", async () => {
  await using node = await createNode();
  const { promise, resolve } = Promise.withResolvers<unknown>();
  node.connectTo([`/ip4/127.0.0.1/tcp/1/p2p/${NOBODY}`]).catch(resolve);
  leadsHere(await promise, "connectTo");
});

test("the stack of a TIMEOUT leads to the caller", async () => {
  const silent = createServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as { port: number };
  try {
    await using node = await createNode();
    const address = `/ip4/127.0.0.1/tcp/${port}/p2p/${NOBODY}`;
    await node.connectTo([address], { timeout: 20 });
  } catch (error) {
    leadsHere(error, "connectTo");
    assertEquals((error as P2PError).code, "TIMEOUT");
    return;
  } finally {
    silent.close();
  }
  throw new Error("it did not fail");
});

test("each message that waited gets an error of its own", async () => {
  await using node = await createNode();
  const send = () => CALLS.sendMessageToPeer(node).catch((error) => error);
  const [one, other] = await Promise.all([send(), send()]);
  assert(one instanceof P2PError && other instanceof P2PError);
  assert(one !== other);
  assertEquals([one.code, one.message], [other.code, other.message]);
});

test("the stack of an error leads to the top level of a program", async () => {
  const { code, stdout, stderr } = await runProgram("stack.ts");
  assertEquals([code, stderr], [0, ""]);
  const stacks = JSON.parse(stdout);
  assertEquals(Object.keys(stacks), ["create", "connectTo", "send"]);
  for (const stack of Object.values(stacks)) {
    assertStringIncludes(stack as string, "programs/stack.ts");
  }
});
