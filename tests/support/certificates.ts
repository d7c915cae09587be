/** The certificates of the fixtures, and a look at the one that a port shows. */
import { join } from "@std/path";
import { copyFileSync, mkdirSync } from "node:fs";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { withFolder } from "./node.ts";

/** What the certificates are for. */
export const DOMAIN = "node.test";

/** Where a node looks for its certificate. */
export interface Files {
  tlsCertPath: string;
  tlsKeyPath: string;
}

/** Puts one of the two certificates of the fixtures in place. */
export function put({ tlsCertPath, tlsKeyPath }: Files, name: string): void {
  const fixture = (kind: string) =>
    fileURLToPath(new URL(`../fixtures/${name}.${kind}.pem`, import.meta.url));
  copyFileSync(fixture("key"), tlsKeyPath);
  copyFileSync(fixture("cert"), tlsCertPath);
}

/** Calls `fn` with a folder's two files, which are not there yet. */
export function withFiles(fn: (files: Files) => Promise<void>): Promise<void> {
  return withFolder((folder) => {
    mkdirSync(folder, { recursive: true });
    return fn({
      tlsCertPath: join(folder, "cert.pem"),
      tlsKeyPath: join(folder, "key.pem"),
    });
  });
}

/** Who answers a TLS handshake on a port of this machine. */
export function subjectAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      servername: DOMAIN,
      rejectUnauthorized: false,
    }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}
