// What the server under test logs. In development pino writes to file descriptor 1 by itself, past process.stdout; in production it
// notices that Vitest has replaced that, and uses it.
import { EventEmitter, once } from "node:events";
import fs from "node:fs";

import { onTestFinished, vi } from "vitest";

export class CapturedLog {
  text = "";
  readonly #events = new EventEmitter();

  add(text: string): void {
    this.text += text;
    this.#events.emit("text");
  }

  /** Resolves once `count` lines of the log match. */
  async lines(pattern: RegExp, count = 1): Promise<string[]> {
    for (;;) {
      const found = this.text.split("\n").filter((line) => pattern.test(line));
      if (found.length >= count) return found;
      await once(this.#events, "text", { signal: AbortSignal.timeout(45_000) });
    }
  }
}

/** Keeps the log, at whatever level the server has, from here to the end of the test. */
export function captureLog(): CapturedLog {
  const log = new CapturedLog();
  const writeSync = fs.writeSync.bind(fs) as (...args: unknown[]) => number;
  const spy = vi.spyOn(fs, "writeSync").mockImplementation((...args: unknown[]) => {
    const [descriptor, data] = args;
    if (descriptor !== 1) return writeSync(...args);
    const text = typeof data === "string" ? data : Buffer.from(data as Uint8Array).toString();
    log.add(text);
    return Buffer.byteLength(text);
  });
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation((data: string | Uint8Array) => {
    log.add(typeof data === "string" ? data : Buffer.from(data).toString());
    return true;
  });
  onTestFinished(() => {
    spy.mockRestore();
    stdout.mockRestore();
  });
  return log;
}
