// What data can do to the operator who reads it at a terminal, and to the machine that an import runs on.
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, inject, test } from "vitest";

import { createDatabase } from "../support/postgres.ts";
import { startProcess, temporaryFolder } from "../support/process.ts";
import { startServer } from "../support/server.ts";

/** Sets the title of the window, clears the screen, writes from right to left. */
const ESCAPES = "\u001b]0;owned\u0007\u001b[2J\u009b2J\u202e";
const SHOWN = "\\u{1b}]0;owned\\u{7}\\u{1b}[2J\\u{9b}2J\\u{202e}";

const USER = {
  username: "ada",
  email: "ada@example.com",
  passwordHash: "$2b$10$abcdefghijklmnopqrstuuQ1P5lqL7mJ9cN1ZQxkQ8fY1Zr9Jt5mG",
};

/** Runs a command; returns the exit code and what it printed. */
async function account(args: string[], env: Record<string, string> = {}) {
  const DATABASE_URL = env["DATABASE_URL"] ?? (await createDatabase(inject("postgresUrl")));
  const command = await startProcess({
    env: { ...env, DATABASE_URL },
    script: "dist/bin/account.js",
    args,
  });
  const code = await command.exited();
  return { code, output: command.output };
}

async function fileOf(lines: string): Promise<string> {
  const path = join(await temporaryFolder(), "users.ndjson");
  await writeFile(path, lines);
  return path;
}

/** All that a terminal would obey, but the end of a line. */
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe("nothing is obeyed by the terminal that comes", () => {
  test("from a key of an imported file", async () => {
    const file = await fileOf(`${JSON.stringify({ ...USER, [ESCAPES]: 1, "a\nline 2: forged": 1 })}\n`);
    const { code, output } = await account(["import", file]);
    expect(code).toBe(1);
    expect(output).toContain(SHOWN);
    expect(output).not.toMatch(CONTROL);
    expect(output).not.toMatch(/^line 2/m);
  });

  test("from a row of the database", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    await server.query("update accounts.users set username = $1", [ESCAPES]);
    const { code, output } = await account(["list"], { DATABASE_URL: server.databaseUrl });
    expect(code).toBe(0);
    expect(output).toContain(SHOWN);
    expect(output).not.toMatch(CONTROL);
  });

  test.each([
    ["a name", ["deactivate", ESCAPES]],
    ["a command", [ESCAPES]],
    ["an option", ["list", `--${ESCAPES}`]],
    ["a file", ["import", ESCAPES]],
    ["a scheme", ["import", "--from", `${ESCAPES}://localhost/app`]],
  ])("from an argument: %s", async (_what, args) => {
    const { code, output } = await account(args);
    expect(code).toBe(1);
    expect(output).not.toBe("");
    expect(output).not.toMatch(CONTROL);
  });
});

describe("the memory is not filled", () => {
  // Not process.resourceUsage().maxRSS: Linux counts in the memory of the process that started this one.
  const HIGHEST = `
    import { readFileSync } from "node:fs";
    process.on("exit", () => console.error(readFileSync("/proc/self/status", "utf8")));
  `;
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(HIGHEST)}` };

  test("by an imported file of one endless line", async () => {
    const file = await fileOf(`${JSON.stringify(USER)}\n`);
    await truncate(file, 300_000_000);
    const { code, output } = await account(["import", file], env);
    expect(code).toBe(1);
    expect(output).toMatch(
      /^Line 2 is longer than 65536 characters, so the import stopped before it\. .* again\.\n/,
    );
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(output)!;
    expect(Number(kilobytes)).toBeLessThan(300_000);
  });
});
