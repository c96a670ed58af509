// The log: one JSON object a line in production, readable lines otherwise. Requests, queries, arguments,
// tokens and mail bodies are never handed to it; errors pass through `loggableError` first.
import pino from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";
export type Logger = pino.Logger;

export async function createLogger(level: LogLevel, isProduction: boolean): Promise<Logger> {
  const options = { level, serializers: { err: loggableError }, base: null };
  if (isProduction) return pino(options);
  const { default: pretty } = await import("pino-pretty");
  return pino(options, pretty({ sync: true, ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss" }));
}

/**
 * What may be written down of an error. A database error's message carries the statement with its values, and
 * its `detail` the row (password hash included), so of those only the code and the server's own words stay.
 */
export function loggableError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, constraint, table } = error as unknown as Record<string, unknown>;
  const isDatabaseError =
    /^[0-9A-Z]{5}$/.test(String(code)) || "query" in error || error.name.endsWith("Exception");
  const frames = error.stack
    ?.split("\n")
    .filter((line) => /^\s+at /.test(line))
    .join("\n");
  return {
    type: error.name,
    message: isDatabaseError ? serverWords(error) : error.message,
    code,
    constraint,
    table,
    stack: frames,
    ...(error.cause !== undefined && !isDatabaseError && { cause: loggableError(error.cause) }),
  };
}

/** The last part of `<statement> - <message of PostgreSQL>`, as MikroORM puts them together. */
function serverWords(error: Error): string {
  return error.message.slice(error.message.lastIndexOf(" - ") + 1).replace(/^- /, "");
}
