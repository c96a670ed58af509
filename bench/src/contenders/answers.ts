// Reads the answers of servers to check them.
import type { HttpAnswer } from "../contender.ts";

/** The parsed body; null if it is not JSON. */
export function jsonOf({ body }: HttpAnswer): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** The value at this path in nested objects. */
export function at(value: unknown, ...names: readonly string[]): unknown {
  return names.reduce<unknown>(
    (inner, name) =>
      typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>)[name] : undefined,
    value,
  );
}

export const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

export function headerOf({ headers }: HttpAnswer, name: string): string {
  const value = headers[name];
  if (!isText(value)) throw new Error(`The answer has no header ${name}.`);
  return value;
}
