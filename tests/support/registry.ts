/**
 * An npm registry on this machine that answers as a test wants it: as registries do, or rudely. It counts what it was asked for.
 */
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

/** Answers one request. */
export type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
) => void;

/** A registry that listens. */
export interface TestRegistry extends AsyncDisposable {
  /** Its address. */
  url: string;
  /** What it was asked for: method and path. */
  asked: string[];
  /** The headers of the requests. */
  headers: IncomingMessage["headers"][];
}

/** Starts a registry that gives the same answer to everything. */
export async function startRegistry(answer: Answer): Promise<TestRegistry> {
  const asked: string[] = [];
  const headers: IncomingMessage["headers"][] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    headers.push(request.headers);
    // Who asks may leave in the middle.
    response.on("error", () => {});
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    asked,
    headers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Serves bytes, as a registry should. */
export function serves(data: Uint8Array): Answer {
  return (_request, response) => {
    response.writeHead(200, { "content-length": data.length });
    response.end(data);
  };
}

/** Answers with a status and nothing else. */
export function refuses(status: number): Answer {
  return (_request, response) => void response.writeHead(status).end();
}
