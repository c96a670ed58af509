// The log: one JSON object per line in production, lines for people otherwise. Requests, queries, arguments, tokens and
// the contents of emails are never logged. Errors pass through `loggableError` first.
import { AsyncLocalStorage } from "node:async_hooks";

import pino from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";
export type Logger = pino.Logger;

const requestIds = new AsyncLocalStorage<string>();

/** Every line that is logged by `work`, or by what it begins, has the id of the request. */
export function withRequestId<T>(id: string, work: () => T): T {
  return requestIds.run(id, work);
}

export async function createLogger(level: LogLevel, isProduction: boolean): Promise<Logger> {
  const mixin = () => {
    const requestId = requestIds.getStore();
    return requestId === undefined ? {} : { requestId };
  };
  const options = { level, serializers: { err: loggableError }, base: null, mixin };
  if (isProduction) return pino(options);
  const { default: pretty } = await import("pino-pretty");
  return pino(options, pretty({ sync: true, ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss" }));
}

const QUIET_MS = 60_000;

/** Tells once what happens again and again: the first time, and anew only after a minute without it. */
export function onceAWhile(tell: () => void): () => void {
  let latest = -Infinity;
  return () => {
    const now = performance.now();
    const isNews = now - latest > QUIET_MS;
    latest = now;
    if (isNews) tell();
  };
}

/**
 * The part of an error that may be logged. For a database error, this excludes the statement, its values and the row in
 * question (which includes a password hash); the code, the constraint and PostgreSQL's message are enough.
 */
export function loggableError(error: unknown): Record<string, unknown> {
  // pg-boss reports copies of errors that are not instances of Error.
  if (!(error instanceof Error)) return loggableError(Object.assign(new Error("unknown"), error));
  const { code, constraint, table } = error as unknown as Record<string, unknown>;
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line));
  return {
    type: error.name,
    message: wordsWithoutRow(error.message, code),
    code,
    constraint,
    table,
    stack: frames?.join("\n"),
    ...(error.cause !== undefined && { cause: loggableError(error.cause) }),
  };
}

function wordsWithoutRow(message: string, code: unknown): string {
  // Messages of the SQLSTATE classes 22 (data exceptions) and P0 (raised by a trigger) quote values.
  if (typeof code === "string" && /^(22|P0)[0-9A-Z]{3}$/.test(code))
    return "PostgreSQL did not accept a value";
  return message.split("\n - detail:", 1)[0] ?? "";
}
