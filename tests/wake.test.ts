/**
 * The wake socket that the library makes by connecting, as on Windows, here in the runtimes on this system: real nodes over it, and that
 * nobody else can take its place.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { once } from "node:events";
import { connect as dial, type Socket } from "node:net";
import { test } from "node:test";
import { P2PError } from "../mod.ts";
import type { NativeBinding } from "../src/native/binding.ts";
import { loadBinding } from "../src/native/library.ts";
import { acceptWake } from "../src/native/loopback.ts";
import { registry } from "../src/native/registry.ts";
import { connect, createNode, directChannel } from "./support/node.ts";
import { before, decode, encode, take } from "./support/wait.ts";

const DEADLINE = 20_000;

/** What `p2p_fd` answers on Windows. */
const NOTHING_TO_ADOPT = -4;

/** Calls `use` while links are opened as on Windows; `wakes` counts the connections that the library made. */
async function asOnWindows(use: (wakes: () => number) => Promise<void>) {
  const shared = registry();
  await shared.closing;
  const binding = await loadBinding();
  let wakes = 0;
  const changed: NativeBinding = {
    ...binding,
    fd: () => NOTHING_TO_ADOPT,
    wake: (...args) => {
      wakes++;
      return binding.wake(...args);
    },
  };
  shared.binding = Promise.resolve(changed);
  try {
    await use(() => wakes);
  } finally {
    await shared.closing;
    shared.binding = undefined;
  }
}

test("two nodes talk over a wake socket that the library made by connecting", () =>
  asOnWindows(async (wakes) => {
    await using alice = await createNode();
    await using bob = await createNode();
    await connect(alice, bob);
    const there = directChannel(alice, bob), back = directChannel(bob, alice);
    for (let count = 0; count < 200; count++) {
      await alice.sendMessageToPeer(there, encode(`question ${count}`));
      const [asked] = await take(bob, 1);
      assertEquals(decode(asked.data), `question ${count}`);
      await bob.sendMessageToPeer(back, encode(`answer ${count}`));
      const [answered] = await take(alice, 1);
      assertEquals(decode(answered.data), `answer ${count}`);
    }
    assertEquals(wakes(), 1);
  }));

test("a link that was opened by connecting closes with its last node, and the next one connects anew", async () => {
  for (let count = 0; count < 3; count++) {
    await asOnWindows(async (wakes) => {
      const node = await createNode();
      assertEquals(wakes(), 1);
      await node.close();
      assertEquals(registry().link, undefined);
    });
  }
});

/** A connection to a port of this machine. */
async function stranger(port: number, bytes?: Uint8Array): Promise<Socket> {
  const socket = dial(port, "127.0.0.1").on("error", () => {});
  await once(socket, "connect");
  if (bytes) socket.write(bytes);
  return socket;
}

test("only who says the token is taken for the library, and all others are let go", async () => {
  const strangers: Promise<Socket>[] = [];
  const library = Promise.withResolvers<Socket>();
  const woken = Promise.withResolvers<void>();
  const accepted = acceptWake((port, token) => {
    const almost = token.slice();
    almost[almost.length - 1] ^= 1;
    const lies = [undefined, new Uint8Array(1), almost, new Uint8Array(1000)];
    for (const lie of lies) strangers.push(stranger(port, lie));
    Promise.all(strangers).then(async () => {
      const socket = await stranger(port, token.subarray(0, 7));
      socket.write(token.subarray(7));
      library.resolve(socket);
    });
  }, woken.resolve);
  const socket = await before(DEADLINE, accepted, "the library is accepted");
  const gone = (await Promise.all(strangers)).map((socket) =>
    socket.resume().closed ||
    new Promise((resolve) => socket.once("close", resolve))
  );
  await before(DEADLINE, Promise.all(gone), "strangers are let go");
  (await library.promise).write(new Uint8Array(1));
  await before(DEADLINE, woken.promise, "the byte of the library");
  await socket.close();
});

test("a wake byte that comes with the token is heard", async () => {
  const woken = Promise.withResolvers<void>();
  const socket = await acceptWake((port, token) => {
    stranger(port, Uint8Array.of(...token, 0));
  }, woken.resolve);
  await before(DEADLINE, woken.promise, "the byte behind the token");
  await socket.close();
});

test("nobody is listened for any more once the library has connected", async () => {
  let at = 0;
  const socket = await acceptWake((port, token) => {
    at = port;
    stranger(port, token);
  }, () => {});
  await assertRejects(() => stranger(at));
  await socket.close();
});

test("a library that does not connect is told, and what its connecting throws is thrown as it is", async () => {
  const none = await assertRejects(() => acceptWake(() => {}, () => {}, 50));
  assert(none instanceof P2PError && none.code === "LIBRARY_FAILED");
  assert(none.message.endsWith("it did not come within 50 ms"), none.message);
  const refusal = new P2PError("LIMIT", "no sockets", {
    operation: "create",
  });
  const thrown = await assertRejects(() =>
    acceptWake(() => {
      throw refusal;
    }, () => {})
  );
  assertEquals(thrown, refusal);
});
