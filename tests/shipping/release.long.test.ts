// The release archive: the same commit gives the same bytes, and what the documentation says about it starts a server.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, readFile, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import { externalParts, startProcess, temporaryFolder } from "../support/process.ts";
import { PASSWORD } from "../support/server.ts";
import { tokenIn } from "../support/smtp.ts";

const run = promisify(execFile);
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
const ARCHIVE = `account-server-${version}.tar.gz`;
const COMMIT_DATE = "2026-01-02T03:04:05Z";

/** Makes a release of what stands in this folder, committed in another one, and returns where it is. */
async function release(): Promise<string> {
  const folder = await temporaryFolder();
  const { stdout } = await run("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
  for (const file of stdout.split("\0").filter((name) => name !== "" && !/(?:^|\/)node_modules$/.test(name)))
    await cp(file, join(folder, file), { recursive: true });
  await symlink(resolve("node_modules"), join(folder, "node_modules"));
  const git = (...args: string[]) =>
    run("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], {
      cwd: folder,
      env: { ...process.env, GIT_AUTHOR_DATE: COMMIT_DATE, GIT_COMMITTER_DATE: COMMIT_DATE },
    });
  await git("init", "--quiet");
  await git("add", "--all");
  await git("commit", "--quiet", "--message=release");
  await run(resolve("node_modules/.bin/node"), ["scripts/release.mjs"], { cwd: folder });
  return join(folder, "release");
}

test(
  "the same commit gives the same archive and the same list of parts, wherever it is built",
  { timeout: 600_000 },
  async () => {
    const sums = async () => readFile(join(await release(), "SHA256SUMS"), "utf8");
    expect(await sums()).toBe(await sums());
  },
);

test(
  "an archive, installed as the documentation says, serves a registration",
  { timeout: 600_000 },
  async () => {
    const made = await release();
    await run("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: made });
    const folder = await temporaryFolder();
    await run("tar", ["-xzf", join(made, ARCHIVE), "-C", folder]);
    const root = join(folder, `account-server-${version}`);
    const { stdout } = await run("tar", ["-tzf", join(made, ARCHIVE)]);
    expect(stdout).not.toMatch(/\/(?:src|tests|node_modules|web\/src)\//);

    // As in docs/operations.md#archive.
    await run("npm", ["ci", "--omit=dev"], { cwd: root });
    const { smtp, env } = await externalParts();
    const server = await startProcess({
      root,
      env: {
        ...env,
        NODE_ENV: "production",
        MAIL_DEFAULT_SENDER: "accounts@example.com",
        HIDE_ACCOUNT_EXISTENCE: "false",
        CONFIRMATION_URI: "https://app.example/#/finalize",
        RESET_URI: "https://app.example/#/reset",
      },
    });
    const door = await server.ready();
    door.succeed(await door.register({ username: "ada", email: "ada@example.com", password: PASSWORD }));
    const token = tokenIn(await smtp.mailTo("ada@example.com"));
    expect(door.succeed(await door.finalizeRegistration({ token })).user.isActive).toBe(true);
    expect((await fetch(`${door.url}/`)).status, "the web client").toBe(200);
    expect(await server.end("SIGTERM")).toBe(0);
  },
);
