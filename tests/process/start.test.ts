// How the server starts: with nothing, with everything by environment variables, and not at all.
import { execFile } from "node:child_process";
import { chmod, chown, cp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { expect, inject, onTestFinished, test } from "vitest";

import { MIGRATIONS } from "../../src/database/orm.ts";
import type { GraphQLDoor } from "../support/graphql.ts";
import { createDatabase, query } from "../support/postgres.ts";
import { dataLocation, startProcess, temporaryFolder } from "../support/process.ts";
import { PASSWORD } from "../support/server.ts";
import { SmtpCatcher, tokenIn } from "../support/smtp.ts";

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
/** What a server needs besides a database, so that nothing stands in. */
const SERVED = { JWT_SECRET: "a secret of this test, at least 32 bytes long", MAIL_SERVER: "127.0.0.1" };
const ADA = { username: "ada", email: "ada@example.com", password: PASSWORD };

/** The whole flow with what the default start offers: registration to refused old password. */
async function wholeFlow(door: GraphQLDoor, newestToken: (count: number) => Promise<string>): Promise<void> {
  door.succeed(await door.register(ADA));
  const { accessToken } = door.succeed(await door.finalizeRegistration({ token: await newestToken(1) }));
  door.succeed(await door.login({ username: "ada", password: PASSWORD }));
  expect(door.succeed(await door.as(accessToken).me())?.username).toBe("ada");
  door.succeed(await door.requestReset({ email: ADA.email }));
  door.succeed(await door.finalizeReset({ token: await newestToken(2), password: "another battery" }));
  door.refuse(await door.login({ username: "ada", password: PASSWORD }), "INVALID_CREDENTIALS");
}

function fromMailbox(door: GraphQLDoor) {
  return async (count: number) => {
    const messages = async () =>
      (await (await fetch(`${door.url}/mailbox/messages`)).json()) as { text: string }[];
    await expect.poll(async () => (await messages()).length).toBe(count);
    return /token=([\w.-]+)/.exec((await messages())[0]!.text)![1]!;
  };
}

test("the default start needs nothing, and a second start finds the same accounts", async () => {
  const env = { DATA_DIR: await temporaryFolder() };
  const first = await startProcess({ env });
  const door = await first.ready();
  expect(first.output).toContain(`${door.url}/mailbox`);
  await wholeFlow(door, fromMailbox(door));
  expect((await stat(join(env.DATA_DIR, "jwt-secret"))).mode & 0o777).toBe(0o600);
  const { accessToken } = door.succeed(await door.login({ username: "ada", password: "another battery" }));
  expect(await first.end("SIGTERM")).toBe(0);

  const second = await startProcess({ env });
  const again = await second.ready();
  expect(again.succeed(await again.as(accessToken).me())?.username).toBe("ada");
  again.succeed(await again.login({ username: "ada", password: "another battery" }));
});

test("a .env file in the working directory configures it", async () => {
  const cwd = await temporaryFolder();
  await writeFile(
    join(cwd, ".env"),
    `'APP_NAME' = "Flask App" # as before\nRESET_URI=https://app.example/#/reset\n`,
  );
  const server = await startProcess({ cwd, env: { DATA_DIR: await temporaryFolder() } });
  await server.ready();
  expect(server.output).toContain("Flask App is ready");
});

test("an external PostgreSQL and a real SMTP server, by environment variables alone, serve the whole flow", async () => {
  const smtp = await SmtpCatcher.start();
  onTestFinished(() => smtp.close());
  const cwd = await temporaryFolder();
  const server = await startProcess({
    cwd,
    env: {
      DATABASE_URL: await createDatabase(inject("postgresUrl"), { empty: true }),
      ...SERVED,
      MAIL_PORT: String(smtp.port),
    },
  });
  const door = await server.ready();
  await wholeFlow(door, async (count) => tokenIn((await smtp.mails(count))[count - 1]!));
  expect((await fetch(`${door.url}/mailbox`)).status).toBe(404);
  await expect(stat(join(cwd, ".data")), "nothing stands in, so nothing is kept").rejects.toThrow("ENOENT");
});

test("a users table of another application in public is left alone", async () => {
  const databaseUrl = await createDatabase(inject("postgresUrl"), { empty: true });
  await query(databaseUrl, "create table public.users (id int primary key, username text)");
  await query(databaseUrl, "insert into public.users values (1, 'flask')");
  const server = await startProcess({
    env: {
      SQLALCHEMY_DATABASE_URI: databaseUrl.replace("postgresql:", "postgresql+psycopg2:"),
      DATA_DIR: await temporaryFolder(),
    },
  });
  const door = await server.ready();
  door.succeed(await door.register({ ...ADA, username: "flask" }));
  expect(await query(databaseUrl, "select * from public.users")).toEqual([{ id: 1, username: "flask" }]);
  const tables = await query(
    databaseUrl,
    "select distinct schemaname from pg_tables where schemaname !~ '^(pg_|information)' order by 1",
  );
  expect(tables).toEqual(["accounts", "accounts_queue", "public"].map((schemaname) => ({ schemaname })));
});

test("two replicas that start at once on an empty database apply each migration once", async () => {
  const env = {
    DATABASE_URL: await createDatabase(inject("postgresUrl"), { empty: true }),
    ...SERVED,
  };
  const replicas = await Promise.all([startProcess({ env }), startProcess({ env }), startProcess({ env })]);
  for (const replica of replicas) expect((await (await replica.ready()).me()).errors).toEqual([]);
  const applied = await query<{ name: string }>(env.DATABASE_URL, "select name from accounts.migrations");
  expect(applied.map(({ name }) => name)).toEqual(MIGRATIONS.map(({ name }) => name));
});

test("with MIGRATE_ON_START=false an empty database refuses the start until npm run migrate", async () => {
  const env = {
    DATABASE_URL: await createDatabase(inject("postgresUrl"), { empty: true }),
    ...SERVED,
    MIGRATE_ON_START: "false",
  };
  const refused = await startProcess({ env });
  expect(await refused.exited()).toBe(1);
  expect(refused.output).toMatch(/^The database's tables .* Run `npm run migrate`\.\n$/);

  const migration = await startProcess({ env, script: "dist/bin/migrate.js" });
  expect(await migration.exited(), migration.output).toBe(0);
  const server = await startProcess({ env });
  await server.ready();
});

test("with MIGRATE_ON_START=false the queue's tables, too, must be of this version", async () => {
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  await query(databaseUrl, "update accounts_queue.version set version = version - 1");
  const env = {
    DATABASE_URL: databaseUrl,
    MIGRATE_ON_START: "false",
    ...SERVED,
  };
  const server = await startProcess({ env });
  expect(await server.exited()).toBe(1);
  expect(server.output).toMatch(/^The database's tables .* Run `npm run migrate`\.\n$/);
});

test("a role that may only read and write rows serves tables that another role has made", async () => {
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  const role = `runtime_${crypto.randomUUID().slice(0, 8)}`;
  await query(databaseUrl, `create role ${role} login password 'runtime'`);
  for (const schema of ["accounts", "accounts_queue"]) {
    await query(databaseUrl, `grant usage on schema ${schema} to ${role}`);
    await query(
      databaseUrl,
      `grant select, insert, update, delete on all tables in schema ${schema} to ${role}`,
    );
  }
  const runtimeUrl = Object.assign(new URL(databaseUrl), { username: role, password: "runtime" }).href;
  const smtp = await SmtpCatcher.start();
  onTestFinished(() => smtp.close());
  const server = await startProcess({
    env: {
      DATABASE_URL: runtimeUrl,
      MIGRATE_ON_START: "false",
      ...SERVED,
      MAIL_PORT: String(smtp.port),
    },
  });
  const door = await server.ready();
  await wholeFlow(door, async (count) => tokenIn((await smtp.mails(count))[count - 1]!));
  expect(server.output).not.toContain("ERROR");
});

test("production refuses a weak configuration with every fault in one message", async () => {
  const server = await startProcess({
    env: {
      NODE_ENV: "production",
      JWT_SECRET: "short",
      PORT: "99999",
      RESET_URI: "http://app.example/#/reset",
      MAIL_USE_TLS: "perhaps",
    },
  });
  expect(await server.exited()).toBe(1);
  for (const name of [
    "DATABASE_URL",
    "MAIL_SERVER",
    "JWT_SECRET",
    "CONFIRMATION_URI",
    "RESET_URI",
    "PORT",
    "MAIL_USE_TLS",
  ]) {
    expect(server.output).toMatch(new RegExp(`^  - ${name} .+\\.$`, "m"));
  }
  expect(server.output).not.toMatch(/^\s+at /m);
});

test("production starts with everything given, and logs that it is ready as JSON", async () => {
  const server = await startProcess({
    env: {
      NODE_ENV: "production",
      DATABASE_URL: await createDatabase(inject("postgresUrl")),
      ...SERVED,
      HIDE_ACCOUNT_EXISTENCE: "true",
      MAIL_USERNAME: "accounts@example.com",
      CONFIRMATION_URI: "https://app.example/#/finalize",
      RESET_URI: "https://app.example/#/reset",
    },
  });
  const door = await server.ready();
  expect(door.succeed(await door.me())).toBeNull();
  for (const line of server.output.trim().split("\n")) expect(JSON.parse(line)).toMatchObject({ level: 30 });
});

test("a port in use is refused in one sentence", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void taken.close());
  await new Promise((resolve) => taken.once("listening", resolve));
  const { port } = taken.address() as AddressInfo;
  const server = await startProcess({ env: { PORT: String(port), DATA_DIR: await temporaryFolder() } });
  expect(await server.exited()).toBe(1);
  expect(server.output).toMatch(new RegExp(`^Port ${port} on 127\\.0\\.0\\.1 is in use.*\\.\n$`));
});

test("a second live server on one data folder is refused in one sentence, and the first goes on", async () => {
  const env = { DATA_DIR: await temporaryFolder() };
  const first = await startProcess({ env });
  const door = await first.ready();
  const second = await startProcess({ env });
  expect(await second.exited()).toBe(1);
  expect(second.output).toMatch(/^The data folder .* is in use by another running account server\. .*\.\n$/);
  expect(door.succeed(await door.me())).toBeNull();
});

test("after a kill the next start ends the orphaned PostgreSQL and finds the same accounts", async () => {
  const env = { DATA_DIR: await temporaryFolder() };
  const first = await startProcess({ env });
  const door = await first.ready();
  door.succeed(await door.register(ADA));
  await first.end("SIGKILL");
  const postmaster = () => readFile(join(dataLocation(first), "postmaster.pid"), "utf8").then(parseInt);
  const orphan = await postmaster();

  const second = await startProcess({ env });
  const again = await second.ready();
  expect(await postmaster(), "PostgreSQL allows one postmaster on its data").not.toBe(orphan);
  again.refuse(await again.register(ADA), "USERNAME_TAKEN");
});

test("a stale postmaster.pid that names another program's pid is no obstacle", async () => {
  const env = { DATA_DIR: await temporaryFolder() };
  const first = await startProcess({ env });
  await first.ready();
  await first.end("SIGTERM");
  const pidFile = join(dataLocation(first), "postmaster.pid");
  await writeFile(pidFile, `${process.pid}\n${dirname(pidFile)}\n1\n5432\n\n127.0.0.1\n\nready\n`);

  const second = await startProcess({ env });
  expect((await (await second.ready()).me()).errors).toEqual([]);
});

/** A copy of everything that runs, in a folder of its own. Hard links, where the file system has them: no time, no space. */
async function installedAt(folder: string): Promise<void> {
  const linked = ["package.json", "schema.graphql", "dist", "templates", "node_modules"];
  await promisify(execFile)("cp", ["-al", ...linked, folder]).catch(() =>
    Promise.all(
      linked.map((name) => cp(name, join(folder, name), { recursive: true, verbatimSymlinks: true })),
    ),
  );
}

test.runIf(isRoot)(
  "root starts it in a folder closed to everybody else, and finds the same data again",
  async () => {
    const root = await temporaryFolder();
    await chmod(root, 0o700);
    await installedAt(root);
    const first = await startProcess({ root, cwd: root });
    const door = await first.ready();
    const location = dataLocation(first);
    onTestFinished(() => rm(dirname(location), { recursive: true, force: true }));
    expect(location).toMatch(/^\/var\/lib\/account-server\/\w+\/postgres$/);
    door.succeed(await door.register(ADA));
    expect(await first.end("SIGTERM")).toBe(0);

    const second = await startProcess({ root, cwd: root });
    const again = await second.ready();
    again.refuse(await again.register(ADA), "USERNAME_TAKEN");
  },
);

test.runIf(isRoot)("an ordinary user starts it in a folder of theirs", async () => {
  const root = await temporaryFolder();
  await installedAt(root);
  const cwd = await temporaryFolder();
  await chown(cwd, NOBODY, NOBODY);
  const server = await startProcess({ root, cwd, uid: NOBODY });
  const door = await server.ready();
  expect(dataLocation(server)).toBe(join(cwd, ".data/postgres"));
  door.succeed(await door.register(ADA));
  expect(await server.end("SIGTERM")).toBe(0);
});

test("npm run mail:preview writes every mail for a designer to look at", async () => {
  const cwd = await temporaryFolder();
  const preview = await startProcess({ cwd, script: "dist/bin/mail-preview.js" });
  expect(await preview.exited()).toBe(0);
  for (const [locale, greeting] of [
    ["en", "Hello ada,"],
    ["pt-BR", "Olá, ada!"],
  ]) {
    for (const mail of ["already-registered", "reset", "password-changed"]) {
      const file = join(cwd, "mail-preview", locale!, mail);
      expect(await readFile(`${file}.html`, "utf8")).toContain(greeting);
      expect(await readFile(`${file}.txt`, "utf8")).toMatch(new RegExp(`^Subject: .+\\n\\n${greeting}`));
    }
  }
});
