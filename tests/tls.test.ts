// Secure WebSockets with a certificate of one's own.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { P2PError } from "../mod.ts";
import { DOMAIN, put, subjectAt, withFiles } from "./support/certificates.ts";
import { createNode } from "./support/node.ts";
import { findFreePorts } from "./support/ports.ts";
import { until } from "./support/wait.ts";

test("secure WebSockets are advertised under the domain, with the certificate of the files", () =>
  withFiles(async (files) => {
    put(files, "first");
    const port = await findFreePorts();
    await using node = await createNode({ port, domainName: DOMAIN, ...files });
    const secure = `/dns4/${DOMAIN}/tcp/${port}/tls/ws/p2p/${node.peerId}`;
    assert(node.addresses.includes(secure), node.addresses.join(" "));
    assertEquals(
      node.addresses.filter((address) => /\d\/ws/.test(address)),
      [],
    );
    assertEquals(await subjectAt(port), "first");
  }));

test("a certificate is replaced while the node runs", () =>
  withFiles(async (files) => {
    put(files, "first");
    const port = await findFreePorts();
    await using _node = await createNode({
      port,
      domainName: DOMAIN,
      ...files,
    });
    assertEquals(await subjectAt(port), "first");
    put(files, "second");
    await until(
      async () => await subjectAt(port) === "second",
      "the new certificate is shown",
    );
  }));

test("plain TCP and QUIC work beside secure WebSockets", () =>
  withFiles(async (files) => {
    put(files, "first");
    await using node = await createNode({ domainName: DOMAIN, ...files });
    for (const transport of ["tcp", "quic"] as const) {
      await using other = await createNode({ transports: [transport] });
      await other.connectTo(
        node.addresses.filter((address) => address.startsWith("/ip4")),
      );
      assertEquals(other.getConnectedPeersInfo()[0].transport, transport);
    }
  }));

test("a certificate that cannot be used fails the node, with the reason", () =>
  withFiles(async (files) => {
    const create = (domainName: string) => () =>
      createNode({ domainName, ...files });
    const reasons = async (domainName: string) => {
      const error = await assertRejects(create(domainName), P2PError);
      assertEquals(error.code, "CERTIFICATE_INVALID");
      return error.message;
    };
    assert((await reasons(DOMAIN)).includes("no file"));
    put(files, "first");
    assert((await reasons("other.test")).includes("does not hold"));
    writeFileSync(files.tlsCertPath, "nonsense");
    assert((await reasons(DOMAIN)).includes("no PEM"));
  }));
