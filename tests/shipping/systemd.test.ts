// The systemd unit, as systemd-analyze reads it. systemd.long.test.ts starts it.
import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import { temporaryFolder } from "../support/process.ts";

const run = promisify(execFile);
const UNIT = readFileSync("ops/systemd/account-server.service", "utf8");

const hasSystemd = (() => {
  try {
    execFileSync("systemd-analyze", ["--version"]);
    return true;
  } catch {
    console.warn("The systemd unit is not verified: apt-get install --no-install-recommends systemd");
    return false;
  }
})();

/** The unit in a folder of the test's own, for the server of this folder. */
async function unitFile(): Promise<string> {
  const file = join(await temporaryFolder(), "account-server.service");
  await writeFile(file, UNIT.replaceAll("/opt/account-server", resolve(".")));
  return file;
}

test("the unit runs what npm start runs, and waits for its end longer than the server takes", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: { start: string } };
  const command = scripts.start
    .replace("node ", "node_modules/.bin/node ")
    .replace("dist/", "/opt/account-server/dist/");
  expect(UNIT).toContain(`\nExecStart=/opt/account-server/${command}\n`);
  const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(UNIT)![1]);
  const drainSeconds = 1; // in production, if DRAIN_SECONDS is not set
  expect(seconds).toBeGreaterThan(9 + drainSeconds);
});

test.runIf(hasSystemd)("systemd-analyze verify finds nothing wrong", async () => {
  const { stdout, stderr } = await run("systemd-analyze", ["verify", "--man=no", await unitFile()]);
  expect(stdout + stderr).not.toMatch(/account-server/);
});

test.runIf(hasSystemd)("systemd-analyze security rates its exposure below 2 of 10", async () => {
  const args = ["security", "--offline=true", "--no-pager", "--threshold=20", await unitFile()];
  const { stdout } = await run("systemd-analyze", args);
  expect(stdout).toMatch(/Overall exposure level for account-server\.service: [01]\.\d/);
});
