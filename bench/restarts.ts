/**
 * How soon a node on a fixed port listens again after an edit under each watcher, and what the restarts leave behind.
 *
 *     deno run -A bench/restarts.ts
 */
import { withFolder } from "../tests/support/node.ts";
import { editNode, WATCHERS } from "../tests/support/watcher.ts";
import { print, runtimes } from "./table.ts";

const rows = [];
for (const runtime of await runtimes()) {
  for (const flags of WATCHERS[runtime.name]) {
    const [, ...restarts] = await withFolder((folder) =>
      editNode(5, runtime, flags, folder)
    );
    rows.push({
      watcher: `${runtime.name} ${runtime.version} ${flags.at(-1)}`,
      "restart ms": restarts.map(({ took }) => took).join(", "),
      nodes: restarts.map(({ nodes }) => nodes).join(", "),
      goroutines: restarts.map(({ goroutines }) => goroutines).join(", "),
      descriptors: restarts.map(({ descriptors }) => descriptors).join(", "),
    });
  }
}
print("Five edits under a watcher", rows);
