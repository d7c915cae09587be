// Hot restarts: one module evaluated twice in an isolate.

import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { P2PError } from "../../src/errors.ts";
import { Evaluation } from "../../src/evaluation.ts";

let urls = 0;
const newUrl = () => `file:///module-${urls++}.ts`;

/** A node whose closing is reported and takes a turn of the event loop. */
function nodeOf(
  evaluation: Evaluation,
  report: string[],
  name: string,
  listening: Promise<void> = Promise.resolve(),
) {
  return evaluation.create(async () => {
    await listening;
    report.push(`${name} made`);
    const node = {
      close: async () => {
        await new Promise((resolve) => setTimeout(resolve, 0));
        report.push(`${name} closed`);
      },
    };
    evaluation.nodes.add(node);
    return node;
  });
}

test("a second evaluation of a module closes the nodes of the first before it makes its own", async () => {
  const url = newUrl();
  const report: string[] = [];
  const before = new Evaluation(url);
  await nodeOf(before, report, "old");
  const after = new Evaluation(url);
  assertEquals(after.replacing, true);
  await nodeOf(after, report, "new");
  assertEquals(report, ["old made", "old closed", "new made"]);
  assertEquals(after.replacing, false);
});

test("a node that was in the making when the module was evaluated again is closed too", async () => {
  const url = newUrl();
  const report: string[] = [];
  const before = new Evaluation(url);
  const { promise, resolve } = Promise.withResolvers<void>();
  const slow = nodeOf(before, report, "old", promise);
  await Promise.resolve();
  const after = new Evaluation(url);
  const made = nodeOf(after, report, "new");
  resolve();
  await Promise.all([slow, made]);
  assertEquals(report, ["old made", "old closed", "new made"]);
});

test("the replaced evaluation makes no more nodes", async () => {
  const url = newUrl();
  const before = new Evaluation(url);
  new Evaluation(url);
  await assertRejects(() => nodeOf(before, [], "old"), P2PError, "hot restart");
});

test("two copies of a module leave each other alone", async () => {
  const report: string[] = [];
  await nodeOf(new Evaluation(newUrl()), report, "one");
  await nodeOf(new Evaluation(newUrl()), report, "other");
  assertEquals(report, ["one made", "other made"]);
});
