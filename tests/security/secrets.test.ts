// Who can read the secrets that a server keeps: its own user, and only the processes that need them.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { expect, inject, onTestFinished, test } from "vitest";

import { createDatabase } from "../support/postgres.ts";
import { startProcess, temporaryFolder } from "../support/process.ts";
import { SmtpCatcher } from "../support/smtp.ts";

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
  const smtp = await SmtpCatcher.start();
  onTestFinished(() => smtp.close());
  const server = await startProcess({
    env: {
      DATABASE_URL: await createDatabase(inject("postgresUrl")),
      JWT_SECRET: "a secret of this test, at least 32 bytes long",
      MAIL_SERVER: "127.0.0.1",
      MAIL_PORT: String(smtp.port),
    },
  });
  await server.ready();
  const children = readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return (
        readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")[1] === String(server.child.pid)
      );
    } catch {
      return false; // it has ended meanwhile
    }
  });
  expect(children).not.toEqual([]);
  for (const pid of children) {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    expect(environment).not.toMatch(/JWT_SECRET|DATABASE_URL|MAIL_/);
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).not.toMatch(/secret of this test|postgresql:/);
  }
});
