// The systemd unit under a systemd that has booted, in a container.
import { realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

import { GraphQLDoor } from "../support/graphql.ts";
import { podman, standIn, startContainer, whyNoContainers } from "../support/podman.ts";
import { externalParts, temporaryFolder } from "../support/process.ts";
import { freePort } from "../support/proxies.ts";
import { PASSWORD } from "../support/server.ts";
import { tokenIn } from "../support/smtp.ts";

const reason = whyNoContainers();
if (reason !== null) console.warn(`The systemd unit is not started: ${reason}`);

test.skipIf(reason !== null)(
  "the unit serves a registration as a user of its own, comes back after a kill, and stops in order",
  { timeout: 600_000 },
  async () => {
    const { smtp, env } = await externalParts();
    const port = await freePort();
    const settings = await temporaryFolder();
    const lines = Object.entries({
      ...env,
      PORT: String(port),
      MAIL_DEFAULT_SENDER: "accounts@example.com",
      CONFIRMATION_URI: "https://app.example/#/finalize",
      RESET_URI: "https://app.example/#/reset",
    }).map(([name, value]) => `${name}="${value}"\n`);
    await writeFile(join(settings, "server.env"), lines.join(""), { mode: 0o600 });

    const unit = "ops/systemd/account-server.service";
    const mounted = [
      ...["dist", "templates", "package.json", "schema.graphql", "node_modules"].map((name) => [
        name,
        `/opt/account-server/${name}`,
      ]),
      [unit, "/etc/systemd/system/account-server.service"],
      [settings, "/etc/account-server"],
    ] as [string, string][];
    const volumes = await Promise.all(
      mounted.map(async ([from, to]) => `--volume=${await realpath(from)}:${to}:ro`),
    );
    const machine = startContainer(await standIn("systemd"), {
      options: ["--privileged", "--systemd=always", ...volumes],
    });
    const inside = (...command: string[]) => podman("exec", machine.name, ...command);
    const isBooted = () => inside("systemctl", "is-active", "basic.target").catch(() => "");
    await expect.poll(isBooted, { interval: 500 }).toBe("active\n");

    await inside("systemctl", "start", "account-server");
    const door = new GraphQLDoor(`http://127.0.0.1:${port}`);
    const isReady = () =>
      fetch(`${door.url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await expect.poll(isReady, { interval: 200 }).toBe(true);
    door.succeed(await door.register({ username: "ada", email: "ada@example.com", password: PASSWORD }));
    const token = tokenIn(await smtp.mailTo("ada@example.com"));
    door.succeed(await door.finalizeRegistration({ token }));

    const mainProcess = async () =>
      (await inside("systemctl", "show", "--value", "--property=MainPID", "account-server")).trim();
    const first = await mainProcess();
    const user = Number(await inside("stat", "--format=%u", `/proc/${first}`));
    expect(user, "of the users that systemd makes up").toBeGreaterThanOrEqual(61_184);
    await inside("systemctl", "kill", "--kill-who=main", "--signal=KILL", "account-server");
    await expect
      .poll(async () => (await isReady()) && (await mainProcess()) !== first, { interval: 200 })
      .toBe(true);
    door.succeed(await door.login({ username: "ada", password: PASSWORD }));

    await inside("systemctl", "stop", "account-server");
    const result = await inside("systemctl", "show", "--property=Result,ExecMainStatus", "account-server");
    expect(result.trim().split("\n").sort()).toEqual(["ExecMainStatus=0", "Result=success"]);
  },
);
