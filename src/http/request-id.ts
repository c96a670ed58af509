// The id of a request, by which its answer, its lines in the log and its trace are found.
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

import { proxyCheck } from "./client-address.ts";

/** It is written to the log, so it holds nothing that a log or a terminal could take for more than a word. */
const WELL_FORMED = /^[\w.:=+/-]{1,128}$/;

/**
 * Takes the id that a trusted proxy gave the request, if it is well formed, and makes one otherwise. Anybody else could choose
 * what others search the log for.
 */
export function requestIds(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  const isTrusted = proxyCheck(trustedProxies);
  return ({ socket, headers }) => {
    const given = headers["x-request-id"];
    if (typeof given !== "string" || !WELL_FORMED.test(given) || !isTrusted(socket.remoteAddress))
      return randomUUID();
    return given;
  };
}
