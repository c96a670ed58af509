// A range service of breached passwords on this machine that behaves like Pwned Passwords: it answers a prefix of five digits of
// a SHA-1 hash with the rest of all hashes that begin so, and with padding if asked for.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

import { onTestFinished } from "vitest";

export interface RangeService {
  /** For PASSWORD_RANGE_URL. */
  readonly url: string;
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[];
}

/** @param answer instead of the usual one */
export async function startRangeService(
  breached: readonly string[],
  answer?: RequestListener,
): Promise<RangeService> {
  const hashes = breached.map(sha1);
  const requests: RangeService["requests"] = [];
  const server = createServer((request, response) => {
    requests.push({ path: request.url ?? "", headers: request.headers });
    if (answer) {
      answer(request, response);
      return;
    }
    const prefix = /^\/range\/([0-9A-F]{5})$/i.exec(request.url ?? "")?.[1]?.toUpperCase();
    if (prefix === undefined || request.method !== "GET") {
      response.writeHead(400).end("not a range");
      return;
    }
    const rows = hashes.filter((hash) => hash.startsWith(prefix)).map((hash) => `${hash.slice(5)}:42`);
    // Others of the range, which every real answer has.
    rows.push(...Array.from({ length: 500 }, () => `${randomSuffix()}:7`));
    if (request.headers["add-padding"] === "true")
      rows.push(...Array.from({ length: 400 }, () => `${randomSuffix()}:0`));
    response.writeHead(200, { "content-type": "text/plain" }).end(rows.sort().join("\r\n"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/range`, requests };
}

export const sha1 = (text: string) => createHash("sha1").update(text).digest("hex").toUpperCase();

const randomSuffix = () => randomBytes(18).toString("hex").toUpperCase().slice(0, 35);
