// Who can read the secrets that a server keeps: its own user, and only the processes that need them.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { externalParts, startProcess, temporaryFolder } from "../support/process.ts";

const isLinux = process.platform === "linux";

test.skipIf(process.platform === "win32")(
  "secrets that were generated can be read by their owner alone",
  async () => {
    const dataDir = await temporaryFolder();
    const server = await startProcess({ env: { DATA_DIR: dataDir } });
    await server.ready();
    for (const name of ["jwt-secret", "database-password"])
      expect((statSync(join(dataDir, name)).mode & 0o777).toString(8), name).toBe("600");
  },
);

test.runIf(isLinux)("the process that hashes passwords gets no secret of the server's", async () => {
  const { env } = await externalParts();
  const server = await startProcess({ env });
  await server.ready();
  const children = server.children("");
  expect(children).not.toEqual([]);
  for (const pid of children) {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    expect(environment).not.toMatch(/JWT_SECRET|DATABASE_URL|MAIL_/);
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).not.toMatch(/secret of this test|postgresql:/);
  }
});
