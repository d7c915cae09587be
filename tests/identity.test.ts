/** The key file: kept, private, compatible, and never damaged. */
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import { generateKeyPairSync } from "node:crypto";
import { Buffer } from "node:buffer";
import * as fs from "node:fs";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { P2PError, type P2PErrorCode } from "../mod.ts";
import { createNode, withFolder } from "./support/node.ts";

const KEY = "identity.key";

test("a node keeps its peer id from one start to the next", async () => {
  await withFolder(async (identityDir) => {
    const ids: unknown[] = [];
    for (let round = 0; round < 2; round++) {
      await using node = await createNode({ identityDir });
      ids.push(node.peerId);
    }
    assertEquals(ids[0], ids[1]);
  });
});

test("two folders give two peer ids", async () => {
  await using a = await createNode();
  await using b = await createNode();
  assertNotEquals(a.peerId, b.peerId);
});

test("a new key is for its owner alone, in a folder of its own", async () => {
  await withFolder(async (folder) => {
    const identityDir = join(folder, "new", "deep");
    await using _node = await createNode({ identityDir });
    const mode = (path: string) => fs.statSync(path).mode & 0o777;
    assertEquals(mode(identityDir), 0o700);
    assertEquals(mode(join(identityDir, KEY)) & 0o177, 0);
    assertEquals(fs.readdirSync(identityDir), [KEY]);
  });
});

test("the folder may be named by a file: URL", async () => {
  await withFolder(async (folder) => {
    await using _node = await createNode({
      identityDir: pathToFileURL(folder),
    });
    assert(fs.existsSync(join(folder, KEY)));
  });
});

test("a key in the format of the Python node keeps its peer id", async () => {
  await withFolder(async (identityDir) => {
    const { key, peerId } = makeKey();
    fs.writeFileSync(join(identityDir, KEY), key, { mode: 0o400 });
    await using node = await createNode({ identityDir });
    assertEquals(node.peerId, peerId);
  });
});

test("a new key has the format of the Python node", async () => {
  await withFolder(async (identityDir) => {
    await using _node = await createNode({ identityDir });
    const key = fs.readFileSync(join(identityDir, KEY));
    assertEquals(key.length, 68);
    assertEquals(key.subarray(0, 4).toString("hex"), "08011240");
  });
});

test("a corrupt key is an error and stays as it is", async () => {
  await assertRefused(Buffer.from("not a key"), 0o600, "IDENTITY_CORRUPT");
});

test("an empty key is an error and stays as it is", async () => {
  await assertRefused(Buffer.alloc(0), 0o600, "IDENTITY_CORRUPT");
});

test("a key that others can read is an error that says how to mend it", async () => {
  const error = await assertRefused(makeKey().key, 0o644, "IDENTITY_EXPOSED");
  assertStringIncludes(error.message, "chmod 600");
});

test("a folder in use by a live node is an error, and free afterwards", async () => {
  await withFolder(async (identityDir) => {
    {
      await using _node = await createNode({ identityDir });
      const error = await assertRejects(
        () => createNode({ identityDir }),
        P2PError,
      );
      assertEquals(error.code, "IDENTITY_IN_USE");
    }
    await using node = await createNode({ identityDir });
    assert(node.peerId);
  });
});

test("a folder that is a file is an error", async () => {
  await withFolder(async (folder) => {
    const identityDir = join(folder, "file");
    fs.writeFileSync(identityDir, "");
    const error = await assertRejects(
      () => createNode({ identityDir }),
      P2PError,
    );
    assertEquals(error.code, "IDENTITY_UNREADABLE");
  });
});

async function assertRefused(
  key: Uint8Array,
  mode: number,
  code: P2PErrorCode,
): Promise<P2PError> {
  return await withFolder(async (identityDir) => {
    const path = join(identityDir, KEY);
    fs.writeFileSync(path, key);
    fs.chmodSync(path, mode);
    const error = await assertRejects(
      () => createNode({ identityDir }),
      P2PError,
    );
    assertEquals([error.code, error.operation], [code, "create"]);
    assertStringIncludes(error.message, path);
    assertEquals(fs.readFileSync(path).toString("hex"), hex(key));
    assertEquals(fs.statSync(path).mode & 0o777, mode);
    assertEquals(fs.readdirSync(identityDir), [KEY]);
    return error;
  });
}

function hex(data: Uint8Array): string {
  return Buffer.from(data).toString("hex");
}

/** An Ed25519 key as libp2p stores it, and the peer id that belongs to it. */
function makeKey(): { key: Uint8Array; peerId: string } {
  const { privateKey } = generateKeyPairSync("ed25519");
  const { d, x } = privateKey.export({ format: "jwk" });
  const pair = Buffer.concat(
    [d, x].map((part) => Buffer.from(part!, "base64url")),
  );
  const publicKey = pair.subarray(32);
  return {
    key: Buffer.concat([Buffer.from("08011240", "hex"), pair]),
    peerId: base58(
      Buffer.concat([Buffer.from("002408011220", "hex"), publicKey]),
    ),
  };
}

function base58(data: Uint8Array): string {
  const digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  let text = "";
  for (let rest = BigInt(`0x${hex(data)}`); rest > 0n; rest /= 58n) {
    text = digits[Number(rest % 58n)] + text;
  }
  const zeros = data.findIndex((byte) => byte !== 0);
  return "1".repeat(zeros) + text;
}
