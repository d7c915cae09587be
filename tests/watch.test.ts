/** A program with a fixed port under its runtime's watcher: every edit restarts it, and nothing of the earlier run stays behind. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import process from "node:process";
import { CURRENT } from "../scripts/runtimes.ts";
import { withFolder } from "./support/node.ts";
import { editNode, editNothing, WATCHERS } from "./support/watcher.ts";

const EDITS = 5;

test("a watcher restarts a node on its port at each edit", async () => {
  const runtime = { name: CURRENT, path: process.execPath } as const;
  for (const flags of WATCHERS[CURRENT]) {
    await withFolder(async (folder) => {
      const runs = await editNode(EDITS, runtime, flags, folder);
      const [, first] = runs;
      const last = runs[EDITS];
      assertEquals(runs.map(({ edit }) => edit), [0, 1, 2, 3, 4, 5]);
      assertEquals(new Set(runs.map(({ peerId }) => peerId)).size, 1);
      assertEquals(runs.map(({ nodes }) => nodes), [1, 1, 1, 1, 1, 1]);
      const own = await editNothing(EDITS, runtime, flags, folder);
      const grown = last.descriptors - first.descriptors - own;
      assert(grown < EDITS - 1, `${flags}: ${grown} more descriptors`);
      const more = last.goroutines - first.goroutines;
      assert(more < 10, `${flags}: ${more} more goroutines`);
    });
  }
});
