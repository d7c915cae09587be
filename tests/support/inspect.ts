/** What the Go side of this process holds, as its `INSPECT` request tells; for tests that look for what should not have stayed. */
import { Op } from "../../src/native/codec.ts";
import { useLink } from "../../src/native/link.ts";

/** Counts over the whole process. */
export interface Inspection {
  goroutines: number;
  nodes: number;
  links: number;
  chunks: number;
  /** What the nodes of this isolate keep of peers and topics, by kind. */
  held: Record<string, number>;
}

/** Asks for the counts, on the link of this isolate. */
export async function inspect(): Promise<Inspection> {
  const link = useLink();
  try {
    await link.ready;
    return await link.request({ operation: "inspect" }, {
      op: Op.INSPECT,
      accept: (answer) => answer as Inspection,
    });
  } finally {
    await link.release();
  }
}
