// What every refusal of the HTTP layer looks like.
import { expect } from "vitest";

import type { Answer } from "../support/graphql.ts";

/** Holds an answer against the one shape of errors; nothing of the server's inside may show. */
export function expectRefusal(answer: Answer<unknown>, status: number, code = /^[A-Z][A-Z_]+$/): void {
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toMatch(/^application\/json; charset=utf-8$/i);
  expect(JSON.parse(answer.text)).toEqual({ errors: expect.any(Array) as unknown });
  expect(answer.errors.length).toBeGreaterThan(0);
  for (const { message, extensions } of answer.errors) {
    expect(message).not.toBe("");
    expect(extensions.code).toMatch(code);
  }
  expectNothingInside(answer.text);
}

/** No stack trace, no path of the server's files, no statement. */
export function expectNothingInside(text: string): void {
  expect(text).not.toMatch(
    /stack|node_modules|\.[jt]s:\d|node:internal|\bat [\w.<>]+ \(|select |insert into/i,
  );
}
