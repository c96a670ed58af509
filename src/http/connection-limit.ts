// Limits how many connections one client may have open, how many requests may be under way on one, and for how long nothing may
// move.
import type { Socket } from "node:net";

import type { FastifyInstance } from "fastify";

import type { Logger } from "../log.ts";
import { networkOf } from "../network.ts";
import { proxyCheck } from "./client-address.ts";

/** Browsers open six. A proxy may need more, and is exempt if TRUSTED_PROXIES names it. */
const MAX_CONNECTIONS = 200;
const WARN_EVERY_MS = 60_000;
/** HTTP/1.1 lets a client send requests without waiting for answers. Nobody does, and all of them would take memory at once. */
const MAX_PIPELINED = 10;
/** Node looks twice before it takes an answer for stalled. */
export const STALLED_AFTER_MS = 30_000;

/**
 * Closes connections of a client that has MAX_CONNECTIONS open already, those with more than MAX_PIPELINED requests, and those that
 * are stalled. The server must have been made with STALLED_AFTER_MS as its connectionTimeout.
 */
export function limitConnections(
  http: FastifyInstance,
  trustedProxies: readonly string[],
  log: Logger,
): void {
  limitOpen(http, trustedProxies, log);
  limitRequests(http);
}

function limitRequests(http: FastifyInstance): void {
  const underWay = new WeakMap<Socket, number>();
  http.addHook("onRequest", (request, reply, done) => {
    const { socket } = request.raw;
    const count = (underWay.get(socket) ?? 0) + 1;
    if (count > MAX_PIPELINED) {
      socket.destroy();
      reply.hijack();
      return;
    }
    underWay.set(socket, count);
    reply.raw.once("close", () => underWay.set(socket, (underWay.get(socket) ?? 1) - 1));
    done();
  });
  http.server.on("timeout", (socket: Socket) => {
    // With nothing to write yet, it is the server that keeps the client waiting.
    const isServersTurn = (underWay.get(socket) ?? 0) > 0 && socket.writableLength === 0;
    if (!isServersTurn) socket.destroy();
  });
}

function limitOpen(http: FastifyInstance, trustedProxies: readonly string[], log: Logger): void {
  const isProxy = proxyCheck(trustedProxies);
  const open = new Map<string, number>();
  let warnedAt = -Infinity;
  http.server.on("connection", (socket: Socket) => {
    const { remoteAddress } = socket;
    // Undefined once the client has gone.
    if (remoteAddress === undefined || isProxy(remoteAddress)) return;
    const client = networkOf(remoteAddress);
    const count = open.get(client) ?? 0;
    if (count >= MAX_CONNECTIONS) {
      socket.destroy();
      if (Date.now() - warnedAt < WARN_EVERY_MS) return;
      warnedAt = Date.now();
      log.warn(
        { client },
        `closed a connection of a client that has ${MAX_CONNECTIONS} open; if it is your proxy, name it in TRUSTED_PROXIES`,
      );
      return;
    }
    open.set(client, count + 1);
    socket.once("close", () => {
      const left = (open.get(client) ?? 1) - 1;
      if (left > 0) open.set(client, left);
      else open.delete(client);
    });
  });
}
