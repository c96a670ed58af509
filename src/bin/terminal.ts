// Prints text that may come from data: a file, the database or an argument. A terminal obeys control characters, with which
// data could rewrite what stands on it.
import { inspect } from "node:util";

/** Prints one line to standard output. */
export function printLine(line: string): void {
  console.log(visible(line));
}

/** Prints the message of an expected error, or a bug with its stack trace, to standard error. */
export function printError(error: unknown): void {
  const isBug = !(error instanceof Error) || error instanceof TypeError || error instanceof ReferenceError;
  console.error(visibleLines(isBug ? inspect(error) : error.message));
}

/** Prints a value as one line of JSON, in which what a terminal obeys is escaped. */
export function printJson(value: unknown): void {
  const escaped = (text: string) =>
    text.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  console.log(JSON.stringify(value).replace(HIDDEN, escaped));
}

const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Shows as \u{1b} what a terminal obeys, and what changes the direction of text or cannot be seen. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

export function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n");
}
