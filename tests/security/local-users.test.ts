// What other users of the machine can do to the default start: neither stop it nor give it a secret that they know.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, chown, mkdir, realpath, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { startProcess, temporaryFolder } from "../support/process.ts";

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
const PLANTED = "a secret that another user knows and has put here";

/** Starts a server that is to be refused; returns the one sentence or two. */
async function refusal(dataDir: string): Promise<string> {
  const server = await startProcess({ env: { DATA_DIR: dataDir } });
  expect(await server.exited()).toBe(1);
  expect(server.output).toMatch(/^[^\n]+\.\n$/);
  return server.output;
}

test.runIf(process.platform === "linux")(
  "nobody else keeps the server from its data folder by a name that can be guessed",
  async () => {
    const dataDir = await temporaryFolder();
    const name = createHash("sha256")
      .update(await realpath(dataDir))
      .digest("hex");
    const squatter = createServer().listen(`\0account-server-${name}`);
    onTestFinished(() => void squatter.close());
    await once(squatter, "listening");

    const server = await startProcess({ env: { DATA_DIR: dataDir } });
    await server.ready();
    expect((await stat(join(dataDir, "lock"))).mode & 0o777, "who can read a file can lock it").toBe(0o600);
  },
);

describe.skipIf(process.platform === "win32")("nobody else plants a secret", () => {
  test("in a data folder that everybody can write to", async () => {
    const dataDir = await temporaryFolder();
    await chmod(dataDir, 0o777);
    await writeFile(join(dataDir, "jwt-secret"), PLANTED, { mode: 0o600 });
    expect(await refusal(dataDir)).toMatch(
      /^Every user of this machine can write to the data folder .* `chmod o-w .*`, or set a different DATA_DIR\.\n$/,
    );
  });

  test.runIf(isRoot)("that stays when the folder's mode is mended", async () => {
    const dataDir = await temporaryFolder();
    const secret = join(dataDir, "jwt-secret");
    await writeFile(secret, PLANTED, { mode: 0o600 });
    await chown(secret, NOBODY, NOBODY);
    expect(await refusal(dataDir)).toMatch(/^The secret file .*jwt-secret belongs to another user, /);
  });

  test.runIf(isRoot)("in a folder of their own", async () => {
    const dataDir = join(await temporaryFolder(), "data");
    await mkdir(dataDir);
    await chown(dataDir, NOBODY + 1, NOBODY + 1);
    const server = await startProcess({ env: { DATA_DIR: dataDir }, uid: NOBODY, cwd: "/" });
    expect(await server.exited()).toBe(1);
    expect(server.output).toMatch(/^The data folder .* belongs to another user, .*chown\.\n$/);
  });

  test("nor reads one", async () => {
    const dataDir = await temporaryFolder();
    const secret = join(dataDir, "jwt-secret");
    await writeFile(secret, PLANTED);
    await chmod(secret, 0o644);
    expect(await refusal(dataDir)).toMatch(
      /^Every user of this machine can read the secret file .*jwt-secret\. /,
    );
  });
});
