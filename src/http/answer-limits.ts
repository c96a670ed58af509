// Limits what answers cost in memory: the size of each, and of all that clients have not taken yet.
import type { Socket } from "node:net";

import type { FastifyInstance, FastifyReply } from "fastify";

import { httpError, isGraphQL } from "./errors.ts";

/** For an answer of GraphQL: several times what the largest pages of lists need. */
const ANSWER_LIMIT_KIB = 1024;
/** For all answers to all clients together. */
const UNREAD_LIMIT_BYTES = 32 * 1024 * 1024;
const BUFFERED_FROM_BYTES = 16 * 1024;
/** The type of the page that browsers get at the same path; it is larger. */
const GRAPHIQL = "text/html; charset=utf-8";

/** @returns what exempts an answer from the limit of its own size */
export function limitAnswers(http: FastifyInstance): (reply: FastifyReply) => void {
  const large = new WeakSet<FastifyReply>();
  const unread = new UnreadAnswers();
  http.server.on("connection", (socket: Socket) => socket.once("close", () => unread.forget(socket)));
  http.addHook("onSend", (request, reply, payload, done) => {
    // A stream is read no faster than the client takes it.
    if (typeof payload !== "string" && !Buffer.isBuffer(payload)) {
      done(null, payload);
      return;
    }
    const isTooLarge = Buffer.byteLength(payload) > ANSWER_LIMIT_KIB * 1024;
    const isLimited = isGraphQL(request) && reply.getHeader("content-type") !== GRAPHIQL;
    const text = isTooLarge && isLimited && !large.has(reply) ? refusal(reply) : payload;
    const { socket } = request.raw;
    const bytes = Buffer.byteLength(text);
    // While a text waits to be read, Node keeps three bytes for each of its characters.
    const answer = typeof text === "string" && bytes > BUFFERED_FROM_BYTES ? Buffer.from(text) : text;
    unread.add(socket, bytes);
    reply.raw.once("finish", () => unread.remove(socket, bytes));
    done(null, answer);
  });
  return (reply) => void large.add(reply);
}

function refusal(reply: FastifyReply): string {
  const message = `The answer would be larger than ${ANSWER_LIMIT_KIB} kB. Ask for fewer fields or a smaller page.`;
  void reply.code(400);
  return JSON.stringify(httpError(400, message));
}

/** What the operating system has not taken over yet, for each connection, the one that is behind the longest first. */
class UnreadAnswers {
  readonly #bytes = new Map<Socket, number>();
  #total = 0;

  /** Cuts off those that are behind the longest, if all together are too much. */
  add(socket: Socket, bytes: number): void {
    this.#bytes.set(socket, (this.#bytes.get(socket) ?? 0) + bytes);
    this.#total += bytes;
    for (const slowest of this.#bytes.keys()) {
      if (this.#total <= UNREAD_LIMIT_BYTES) return;
      this.forget(slowest);
      slowest.destroy();
    }
  }

  remove(socket: Socket, bytes: number): void {
    const before = this.#bytes.get(socket);
    if (before === undefined) return;
    this.#total -= bytes;
    if (before > bytes) this.#bytes.set(socket, before - bytes);
    else this.#bytes.delete(socket);
  }

  forget(socket: Socket): void {
    this.#total -= this.#bytes.get(socket) ?? 0;
    this.#bytes.delete(socket);
  }
}
