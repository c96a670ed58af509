// The operator's command line as a process of its own, beside a running server and without one.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { appendFile, readdir, writeFile } from "node:fs/promises";
import { createHash, pbkdf2Sync } from "node:crypto";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import argon2 from "argon2";
import bcrypt from "bcrypt";
import { describe, expect, inject, test } from "vitest";

import { createDatabase, query } from "../support/postgres.ts";
import { BARE_ENVIRONMENT, dataLocation, startProcess, temporaryFolder } from "../support/process.ts";
import { FULL_HASHES, PASSWORD, startServer, type TestServer } from "../support/server.ts";

const IN_FORCE = /^\$argon2id\$v=19\$m=19456,/;
const hasScript = await promisify(execFile)("script", ["--version"]).then(
  () => true,
  () => false,
);

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What the list of processes showed meanwhile. */
  readonly commandLine: string;
}

/** Runs `npm run account -- ...` as npm does. */
async function account(
  env: Record<string, string>,
  args: string[],
  { input = "", cwd }: { input?: string; cwd?: string } = {},
): Promise<Run> {
  const child = spawn(resolve("node_modules/.bin/node"), [resolve("dist/bin/account.js"), ...args], {
    cwd: cwd ?? (await temporaryFolder()),
    env: { ...BARE_ENVIRONMENT, ...env },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const commandLine = child.spawnargs.join(" ");
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr, commandLine };
}

/** Runs a command that is to succeed; returns what it says. */
async function succeed(...args: Parameters<typeof account>): Promise<string> {
  const { code, stdout, stderr } = await account(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

/** Runs a command that is to be refused; returns the one sentence. */
async function refuse(...args: Parameters<typeof account>): Promise<string> {
  const { code, stdout, stderr } = await account(...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^[^\n]+\n$/);
  return stderr;
}

async function withServer() {
  const server = await startServer({ env: FULL_HASHES });
  return { server, env: { DATABASE_URL: server.databaseUrl } };
}

async function storedHash(server: TestServer, username: string): Promise<string> {
  const rows = await server.query<{ password_hash: string }>(
    "select password_hash from accounts.users where username = $1",
    [username],
  );
  return rows[0]!.password_hash;
}

/** As Python's passlib makes it: base64 with `.` for `+`, and nothing that pads. */
function passlibHash(password: string, rounds = 25_000): string {
  const base64 = (bytes: Buffer) => bytes.toString("base64").replaceAll("+", ".").replaceAll("=", "");
  const salt = Buffer.from("sixteen salt byt");
  const checksum = pbkdf2Sync(password, salt, rounds, 64, "sha512");
  return `$pbkdf2-sha512$${rounds}$${base64(salt)}$${base64(checksum)}`;
}

/** A hash of every kind that can be imported. */
const HASHES: Record<string, () => string | Promise<string>> = {
  argon2id: () => argon2.hash(PASSWORD, { memoryCost: 8192, timeCost: 1, parallelism: 2 }),
  argon2i: () => argon2.hash(PASSWORD, { type: argon2.argon2i, memoryCost: 65_536, timeCost: 3 }),
  argon2d: () => argon2.hash(PASSWORD, { type: argon2.argon2d, memoryCost: 8192, timeCost: 2 }),
  "bcrypt-2a": async () => (await bcrypt.hash(PASSWORD, 5)).replace("$2b$", "$2a$"),
  "bcrypt-2b": () => bcrypt.hash(PASSWORD, 5),
  "bcrypt-2y": async () => (await bcrypt.hash(PASSWORD, 5)).replace("$2b$", "$2y$"),
  passlib: () => passlibHash(PASSWORD),
};

async function fileOf(records: unknown[]): Promise<string> {
  const path = join(await temporaryFolder(), "users.ndjson");
  const lines = records.map((record) => (typeof record === "string" ? record : JSON.stringify(record)));
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}

const importable = (username: string, passwordHash: string, more: object = {}) => ({
  username,
  email: `${username}@example.com`,
  passwordHash,
  ...more,
});

describe("create-admin", () => {
  test("makes an administrator who can log in and see all users, and says the password to nobody", async () => {
    const { server, env } = await withServer();
    const run = await account(env, ["create-admin", "root", "root@example.com"], {
      input: `${PASSWORD}\n${PASSWORD}\n`,
    });
    expect(run.code, run.stderr).toBe(0);
    expect(Object.values(run).join()).not.toContain(PASSWORD);

    const { accessToken, user } = server.succeed(
      await server.login({ username: "root", password: PASSWORD }),
    );
    expect(user).toMatchObject({ roles: ["USER", "ADMIN"], isActive: true });
    const { edges } = server.succeed(await server.as(accessToken).users());
    expect(edges.map(({ node }) => node.username)).toEqual(["root"]);
    const events = server.succeed(await server.as(accessToken).accountEvents({ userId: user.id }));
    expect(events.edges.at(-1)?.node).toMatchObject({ type: "REGISTERED", actor: "OPERATOR", address: null });
    expect(server.smtp.received).toEqual([]);
  });

  test("refuses what register would refuse, and changes nothing", async () => {
    const { server, env } = await withServer();
    const ada = await server.activePerson("ada");
    const create = (username: string, email: string, input = PASSWORD) =>
      refuse(env, ["create-admin", username, email], { input });
    const before = await server.state();

    expect(await create("root", "root@example.com", "password1")).toMatch(/too common/);
    expect(await create("root", "root@example.com", `${PASSWORD}\nanother`)).toMatch(/differ/);
    expect(await create("r", "root")).toMatch(/username: Use 3 to 32.+email: Enter one email address/);
    expect(await create("root", ada.email)).toMatch(/already exists/);
    expect(await create("ada", "root@example.com")).toMatch(/is taken/);
    expect(await server.state()).toEqual(before);
  });

  test("gives the role to a user who exists, if --existing says that this is known", async () => {
    const { server, env } = await withServer();
    const ada = await server.activePerson("ada");
    await server.registerPerson("eve");
    const command = ["create-admin", "ada", "ADA@example.com"];

    expect(await refuse(env, command)).toMatch(/--existing/);
    expect(await refuse(env, ["create-admin", "ada", "eve@example.com", "--existing"])).toMatch(
      /no user ada/,
    );
    expect(await refuse(env, ["create-admin", "eve", "eve@example.com", "--existing"])).toMatch(/pending/);
    await succeed(env, [...command, "--existing"]);
    server.succeed(await server.as(ada.accessToken).users());
    server.succeed(await server.login({ username: "ada", password: PASSWORD }));
  });

  test.skipIf(!hasScript)("asks at a terminal twice, without echo", async () => {
    const { server, env } = await withServer();
    const command = `${resolve("node_modules/.bin/node")} ${resolve("dist/bin/account.js")} create-admin root root@example.com`;
    const terminal = spawn("script", ["-qec", command, "/dev/null"], {
      cwd: await temporaryFolder(),
      env: { ...BARE_ENVIRONMENT, TERM: "xterm", ...env },
    });
    let output = "";
    const prompts = [/Password:/, /Repeat the password:/];
    terminal.stdout.on("data", (chunk) => {
      output += String(chunk);
      if (prompts[0]?.test(output)) {
        prompts.shift();
        terminal.stdin.write(`${PASSWORD}\r`);
      }
    });
    const [code] = (await once(terminal, "close")) as [number];

    expect(code, output).toBe(0);
    expect(output).not.toContain(PASSWORD);
    server.succeed(await server.login({ username: "root", password: PASSWORD }));
  });
});

describe("password-filter", () => {
  test("makes a filter that create-admin and a server heed, and tells lines that it does not understand", async () => {
    const { server, env } = await withServer();
    const folder = await temporaryFolder();
    const [list, filter] = [join(folder, "list.txt"), join(folder, "breached.filter")];
    const sha1 = createHash("sha1").update(PASSWORD).digest("hex");
    await writeFile(list, `${sha1}:17\r\n${"0".repeat(40)}:1\r\nno hash\r\n${"1".repeat(40)}:0\r\n`);

    const { code, stdout, stderr } = await account({}, ["password-filter", list, filter]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "line 3: This is no SHA-1 hash of 40 hexadecimal digits.\n",
    });
    expect(stdout).toContain(`2 passwords in ${filter}, 10 bytes; 1 lines were not understood.`);
    expect(await readdir(folder)).toEqual(["breached.filter", "list.txt"]);

    const create = (more: object) =>
      account({ ...env, ...more }, ["create-admin", "root", "root@example.com"], { input: PASSWORD });
    const refused = await create({ PASSWORD_FILTER: filter });
    expect(refused.stderr).toMatch(/stolen in a data breach/);
    expect(refused.stderr).not.toContain(PASSWORD);
    const PASSWORD_PEPPER = `1:${Buffer.alloc(32).toString("base64")}`;
    expect((await create({ PASSWORD_PEPPER })).code).toBe(0);
    expect(await storedHash(server, "root")).toContain(",keyid=1$");
  });

  test.each([
    { what: "is not there", content: null, reason: /The list .* cannot be read: ENOENT/ },
    { what: "is empty", content: "", reason: /The list .* cannot be read: it is empty/ },
    { what: "has NTLM hashes", content: `${"0".repeat(32)}:1\n`, reason: /has NTLM hashes/ },
  ])("refuses a list that $what, and leaves nothing", async ({ content, reason }) => {
    const folder = await temporaryFolder();
    const list = join(folder, "list.txt");
    if (content !== null) await writeFile(list, content);

    expect(await refuse({}, ["password-filter", list, join(folder, "filter")])).toMatch(reason);
    expect(await readdir(folder)).toEqual(content === null ? [] : ["list.txt"]);
  });
});

describe("users", () => {
  test("are listed, all or by the beginning of a name or address", async () => {
    const { server, env } = await withServer();
    await server.activePerson("ada");
    await server.registerPerson("eve");

    const lines = (await succeed(env, ["list"])).trim().split("\n");
    expect(lines.map((line) => line.split(/ {2,}/).slice(1))).toEqual([
      ["STATE", "ROLES", "USERNAME", "EMAIL"],
      ["active", "USER", "ada", "ada@example.com"],
      ["pending", "USER", "eve", "eve@example.com"],
    ]);
    expect(await succeed(env, ["list", "--search", "EV"])).toMatch(
      /^REGISTERED [^\n]+\n[^\n]+eve@example.com\n$/,
    );
    expect(await succeed(env, ["list", "--search", "%"])).toMatch(/^REGISTERED [^\n]+\n$/);
  });

  test("are shown with their devices and what happened to them, to people and to programs", async () => {
    const { server, env } = await withServer();
    const ada = await server.activePerson("ada");
    const shown = await succeed(env, ["show", "ADA@example.com"]);
    expect(shown).toMatch(/^state +active$/m);
    expect(shown).toMatch(/^deactivated +-$/m);
    expect(JSON.parse(await succeed(env, ["show", "ada", "--json"]))).toMatchObject({
      id: ada.id,
      roles: ["USER"],
      email: "ada@example.com",
      deactivated: null,
    });
    expect(await succeed(env, ["sessions", "ada"])).toMatch(
      /^BEGAN [^\n]+DEVICE\n[^\n]+ 127\.0\.0\.1 +node\n$/,
    );
    const [newest, oldest] = (await succeed(env, ["events", "ada", "--json"]))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect([newest, oldest]).toMatchObject([
      { event: "ACTIVATED", actor: "OWNER", count: 1 },
      { event: "REGISTERED", actor: "ANYONE" },
    ]);
    const browser = "Browser \u009b2J\u202e\u2028";
    server.succeed(await server.with({ "user-agent": browser.slice(0, 8) }).login(ada));
    await server.query("update accounts.sessions set user_agent = $1", [browser]);
    const [line = ""] = (await succeed(env, ["sessions", "ada", "--json"])).split("\n");
    expect(line, "no character that a terminal obeys").toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(line)).toMatchObject({ device: browser, lastUsed: expect.any(String) as string });
    expect(await refuse(env, ["show", "nobody"])).toMatch(
      /No account has the username or email address nobody\./,
    );
  });

  test("are listed whole where a page of the API holds a part", async () => {
    const { server, env } = await withServer();
    await server.query(
      `insert into accounts.users (id, username, email, password_hash, roles, is_active, credential_version, created_at, updated_at)
       select gen_random_uuid(), 'user-' || n, n || '@example.com', '', '{USER}', true, 1, now(), now()
       from generate_series(1, 250) as n`,
    );
    const [, ...lines] = (await succeed(env, ["list"])).trim().split("\n");
    expect(new Set(lines.map((line) => line.split(/ {2,}/)[4])).size).toBe(250);
  });

  test("are deactivated and reactivated, by username or address", async () => {
    const { server, env } = await withServer();
    const ada = await server.activePerson("ada");
    const root = await server.admin();

    await succeed(env, ["deactivate", "ADA"]);
    server.refuse(await server.as(ada.accessToken).me(), "UNAUTHENTICATED");
    server.refuse(await server.login({ username: "ada", password: PASSWORD }), "ACCOUNT_DEACTIVATED");
    await succeed(env, ["reactivate", ada.email]);
    server.succeed(await server.login({ username: "ada", password: PASSWORD }));

    const { edges } = server.succeed(await server.as(root.accessToken).accountEvents({ userId: ada.id }));
    const byOperator = edges.filter(({ node }) => node.actor === "OPERATOR");
    expect(byOperator.map(({ node }) => node.type)).toEqual(["REACTIVATED", "DEACTIVATED"]);
    expect(await refuse(env, ["deactivate", "nobody"])).toMatch(
      /No account has the username or email address nobody/,
    );
    expect(await refuse(env, ["deactivate", "root"])).toMatch(/last administrator/);
  });

  test("get a link to reset the password or to confirm, sent by the server that runs", async () => {
    const { server, env } = await withServer();
    await server.activePerson("ada");
    const { email } = await server.registerPerson("eve");

    expect(await succeed(env, ["reset", "ada"])).toMatch(/on its way to ada@example.com.*running server/);
    const token = await server.resetToken("ada@example.com");
    server.succeed(await server.finalizeReset({ token, password: "another battery" }));

    await succeed(env, ["resend", email]);
    server.succeed(await server.finalizeRegistration({ token: await server.confirmationToken(email, 2) }));

    expect(await refuse(env, ["resend", "ada"])).toMatch(/already confirmed/);
  });

  test("are told of plainly also where existence is hidden", async () => {
    const { server, env } = await withServer();
    await server.activePerson("ada");
    const hidden = { ...env, HIDE_ACCOUNT_EXISTENCE: "true" };
    expect(await refuse(hidden, ["resend", "ada"])).toMatch(/already confirmed/);
    expect(await refuse(hidden, ["create-admin", "root", "ada@example.com"], { input: PASSWORD })).toMatch(
      /already exists/,
    );
  });
});

describe("import", () => {
  test("takes hashes of every kind, and a login makes each one of ours", async () => {
    const { server, env } = await withServer();
    const records = await Promise.all(
      Object.entries(HASHES).map(async ([name, hash]) => importable(name, await hash())),
    );
    expect(await succeed(env, ["import", await fileOf(records)])).toBe(
      `${records.length} imported, 0 already there, 0 refused.\n`,
    );
    for (const { username, email, passwordHash } of records) {
      server.refuse(await server.login({ username, password: "wrong horse battery" }), "INVALID_CREDENTIALS");
      expect(await storedHash(server, username)).toBe(passwordHash);
      server.succeed(await server.login({ username: email, password: PASSWORD }));
      expect(await storedHash(server, username)).toMatch(IN_FORCE);
      server.succeed(await server.login({ username, password: PASSWORD }));
    }
    expect(server.smtp.received).toEqual([]);
  });

  test("keeps roles, state and the time of registration, and leaves a trace", async () => {
    const { server, env } = await withServer();
    const hash = passlibHash(PASSWORD);
    const file = await fileOf([
      importable("root", hash, { roles: ["ADMIN"], createdAt: "2020-02-29T12:00:00.000Z" }),
      importable("eve", hash, { isActive: false }),
    ]);
    await succeed(env, ["import", file]);

    const { accessToken, user } = server.succeed(
      await server.login({ username: "root", password: PASSWORD }),
    );
    expect(user).toMatchObject({ roles: ["ADMIN"], createdAt: "2020-02-29T12:00:00.000Z" });
    const events = server.succeed(await server.as(accessToken).accountEvents({ userId: user.id }));
    expect(events.edges.at(-1)?.node).toMatchObject({ type: "IMPORTED", actor: "OPERATOR" });

    server.refuse(await server.login({ username: "eve", password: PASSWORD }), "ACCOUNT_NOT_ACTIVATED");
    await succeed(env, ["resend", "eve"]);
    const token = await server.confirmationToken("eve@example.com");
    server.succeed(await server.finalizeRegistration({ token }));
  });

  test("run again, goes on where it was and imports nothing twice", async () => {
    const { server, env } = await withServer();
    const hash = passlibHash(PASSWORD);
    const people = Array.from({ length: 2_500 }, (_, index) => importable(`user-${index}`, hash));
    const file = await fileOf(people.slice(0, 1_200));
    expect(await succeed(env, ["import", file])).toBe("1200 imported, 0 already there, 0 refused.\n");
    const before = await server.query("select * from accounts.users order by id");

    await appendFile(
      file,
      people
        .slice(1_200)
        .map((person) => `${JSON.stringify(person)}\n`)
        .join(""),
    );
    expect(await succeed(env, ["import", file])).toBe("1300 imported, 1200 already there, 0 refused.\n");
    expect(await succeed(env, ["import", file])).toBe("0 imported, 2500 already there, 0 refused.\n");
    const ids = before.map(({ id }) => id);
    expect(await server.query("select * from accounts.users where id = any($1) order by id", [ids])).toEqual(
      before,
    );
    const events = "select count(*)::int as count from accounts.account_events where type = 'IMPORTED'";
    expect(await server.query(events)).toEqual([{ count: 2_500 }]);
  });

  test("tells each line that it cannot take, by number and reason, and takes the others", async () => {
    const { server, env } = await withServer();
    await server.activePerson("ada");
    await server.registerPerson("eve");
    const hash = passlibHash(PASSWORD);
    const file = await fileOf([
      importable("good", hash),
      "{ not json",
      "",
      "[]",
      importable("a b", hash),
      { ...importable("bob", hash), email: "bob" },
      importable("bob", "5f4dcc3b5aa765d61d8327deb882cf99"),
      importable("bob", passlibHash(PASSWORD, 1).replace("$1$", "$1000001$")),
      importable("bob", `$2b$31$${"a".repeat(53)}`),
      importable("bob", `$argon2id$v=19$m=4194304,t=2,p=1$${"A".repeat(22)}$${"A".repeat(43)}`),
      importable("bob", hash, { roles: ["OWNER"] }),
      importable("bob", hash, { is_active: false }),
      importable("bob", hash, { createdAt: "yesterday" }),
      { username: "bob", email: "bob@example.com" },
      { ...importable("ADA", hash), email: "other@example.com" },
      { ...importable("other", hash), email: "ADA@example.com" },
      { ...importable("other", hash), email: "eve@example.com" },
      { ...importable("other", hash), email: "good@example.com" },
      importable("ada", hash),
      importable("good", hash),
      importable("last", hash),
    ]);
    const { code, stdout, stderr } = await account(env, ["import", file]);

    expect(code).toBe(1);
    expect(stdout).toBe("2 imported, 2 already there, 16 refused.\n");
    const told = stderr.trim().split("\n");
    const reasons = [
      [2, /not a JSON object/],
      [4, /not a JSON object/],
      [5, /username: Use 3 to 32/],
      [6, /email: Enter one email address/],
      [7, /passwordHash: The hash is of an unknown kind/],
      [8, /1000001 rounds/],
      [9, /cost 31/],
      [10, /m=4194304/],
      [11, /roles: Give a list of USER and ADMIN/],
      [12, /is_active: There is no such field/],
      [13, /createdAt: Give a time/],
      [14, /passwordHash: Give text/],
      [15, /username ADA belongs/],
      [16, /address ADA@example.com belongs/],
      [17, /address eve@example.com belongs/],
      [18, /address good@example.com belongs/],
    ] as const;
    expect(told).toHaveLength(reasons.length);
    for (const [index, [line, reason]] of reasons.entries()) {
      expect(told[index]).toMatch(new RegExp(`^line ${line}: `));
      expect(told[index]).toMatch(reason);
    }
    expect(stderr, "no hash is told").not.toContain(hash.slice(-20));
    const names = await server.query<{ username: string }>("select username from accounts.users order by 1");
    expect(names.map(({ username }) => username)).toEqual(["ada", "eve", "good", "last"]);
  });

  test("takes the place of a registration that has expired", async () => {
    const { server, env } = await withServer();
    await server.registerPerson("ada", "squatter@example.com");
    await server.mailsSettled(); // sending the link would move its expiry
    await server.query("update accounts.users set confirmation_expires_at = now() - interval '1 minute'");
    await succeed(env, ["import", await fileOf([importable("ada", passlibHash(PASSWORD))])]);
    server.succeed(await server.login({ username: "ada@example.com", password: PASSWORD }));
  });

  test("keeps hashes out of the statements' text, where the database's log might keep it", async () => {
    const databaseUrl = await createDatabase(inject("postgresUrl"));
    const name = new URL(databaseUrl).pathname.slice(1);
    await query(databaseUrl, `alter database ${name} set log_statement = 'all'`);
    await query(databaseUrl, `alter database ${name} set log_parameter_max_length = 0`);
    const before = readFileSync(inject("postgresLog")).length;
    await succeed({ DATABASE_URL: databaseUrl }, [
      "import",
      await fileOf([importable("ada", passlibHash(PASSWORD))]),
    ]);
    const statements = readFileSync(inject("postgresLog"), "utf8").slice(before);
    expect(statements).toMatch(/insert into accounts\.users/);
    expect(statements).not.toContain("pbkdf2-sha512");
  });

  test("--from takes the users table of the Flask application, and only reads it", async () => {
    const { server, env } = await withServer();
    const flaskUrl = await createDatabase(inject("postgresUrl"), { empty: true });
    await query(
      flaskUrl,
      `create table users (id serial primary key, username text, email text, password text, roles text, is_active boolean)`,
    );
    const rows = [
      ["ada", "ada@example.com", passlibHash(PASSWORD), "USER", true],
      ["root", "root@example.com", passlibHash(PASSWORD), "user,Admin", true],
      ["eve", "eve@example.com", passlibHash(PASSWORD), "user", false],
      ["no one", "no@example.com", passlibHash(PASSWORD), "user", true],
      ["nul", null, null, null, null],
    ];
    for (const row of rows) {
      await query(
        flaskUrl,
        "insert into users (username, email, password, roles, is_active) values ($1, $2, $3, $4, $5)",
        row,
      );
    }
    await query(
      flaskUrl,
      `insert into users (username, email, password, roles, is_active)
       select 'user-' || n, n || '@example.com', $1, '', true from generate_series(1, 2200) as n`,
      [passlibHash(PASSWORD)],
    );
    const before = await query(flaskUrl, "select md5(string_agg(users::text, ',' order by id)) from users");
    const from = flaskUrl.replace("postgresql:", "postgresql+psycopg2:");

    const first = await account(env, ["import", "--from", from]);
    expect({ code: first.code, stdout: first.stdout }).toEqual({
      code: 1,
      stdout: "2203 imported, 0 already there, 2 refused.\n",
    });
    expect(first.stderr).toMatch(/^id 4: username: .+\nid 5: email: .+\n$/);
    expect((await account(env, ["import", "--from", from])).stdout).toBe(
      "0 imported, 2203 already there, 2 refused.\n",
    );

    expect(server.succeed(await server.login({ username: "ada", password: PASSWORD })).user.roles).toEqual([
      "USER",
    ]);
    expect(server.succeed(await server.login({ username: "root", password: PASSWORD })).user.roles).toEqual([
      "USER",
      "ADMIN",
    ]);
    expect(
      server.succeed(await server.login({ username: "user-2200", password: PASSWORD })).user.roles,
    ).toEqual(["USER"]);
    expect(await storedHash(server, "ada")).toMatch(IN_FORCE);
    server.refuse(await server.login({ username: "eve", password: PASSWORD }), "ACCOUNT_NOT_ACTIVATED");
    expect(await query(flaskUrl, "select md5(string_agg(users::text, ',' order by id)) from users")).toEqual(
      before,
    );
  });

  test("refuses in one sentence what it cannot read", async () => {
    const env = { DATABASE_URL: await createDatabase(inject("postgresUrl")) };
    expect(await refuse(env, ["import", "/nowhere"])).toMatch(/^The file \/nowhere cannot be read/);
    expect(await refuse(env, ["import", "--from", "sqlite:///app.db"])).toMatch(/Only PostgreSQL/);
    const empty = await createDatabase(inject("postgresUrl"), { empty: true });
    const sentence = await refuse(env, ["import", "--from", empty]);
    expect(sentence).toMatch(/^The table public\.users of .+ cannot be read/);
    expect(sentence).not.toContain(new URL(empty).password);
    const neither = await account(env, ["import"]);
    expect(neither).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("specify either a file or --from") as string,
    });
  });

  test.skipIf(!hasScript)("shows how far it is at a terminal", async () => {
    const env = { DATABASE_URL: await createDatabase(inject("postgresUrl")) };
    const file = await fileOf([importable("ada", passlibHash(PASSWORD))]);
    const command = `${resolve("node_modules/.bin/node")} ${resolve("dist/bin/account.js")} import ${file}`;
    const { stdout } = await promisify(execFile)("script", ["-qec", command, "/dev/null"], {
      cwd: await temporaryFolder(),
      env: { ...BARE_ENVIRONMENT, TERM: "xterm", ...env },
    });
    expect(stdout).toContain("100 %");
    expect(stdout).toContain("1 imported, 0 already there, 0 refused.");
  });
});

describe("mail", () => {
  test("lists what was refused, shows why and to whom, never a token, and sends it again or deletes it", async () => {
    const { server, env } = await withServer();
    server.smtp.refusal = ({ recipients: [to] }) => (to === "ada@example.com" ? null : "554 5.7.1 blocked");
    await server.activePerson("ada");
    await server.registerPerson("eve");
    await server.smtp.refusals(1);
    await server.registerPerson("bob");
    await server.smtp.refusals(2);
    await expect.poll(() => account(env, ["mail", "list"]).then(({ stdout }) => stdout)).toMatch(/ 2 failed/);

    const list = await succeed(env, ["mail", "list"]);
    const lines = list.trim().split("\n");
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe("0 waiting, 0 sending, 0 retrying, 2 failed, 1 done");
    expect(lines[1]).toMatch(/^REQUESTED +STATE +ATTEMPTS +ID +EMAIL +LAST ERROR$/);
    expect(lines[2]).toMatch(/^\S+Z {2}failed {4}1 {9}[0-9a-f-]{36} {2}registration .+ 554 5\.7\.1$/);
    const [eve, bob] = lines.slice(2).map((line) => /[0-9a-f-]{36}/.exec(line)![0]);
    const done = await succeed(env, ["mail", "list", "--state", "done"]);
    expect(done.trim().split("\n")).toHaveLength(3);

    const shown = await succeed(env, ["mail", "show", eve!]);
    expect(shown).toContain("eve <eve@example.com>");
    expect(shown).toMatch(/last error {2}.+EMESSAGE DATA 554 5\.7\.1/);
    expect(list + shown).not.toMatch(/token|http/);

    server.smtp.refusal = null;
    expect(await succeed(env, ["mail", "retry", eve!])).toMatch(/^1 email is back in the queue/);
    await server.smtp.mailTo("eve@example.com");
    expect(await succeed(env, ["mail", "discard", bob!])).toBe("1 email is discarded.\n");
    await server.mailsSettled();
    expect(server.smtp.received.flatMap(({ recipients }) => recipients)).not.toContain("bob@example.com");
    const kept = await server.query(
      "select deletion_seconds from accounts_queue.job where name = 'mail' and deletion_seconds = 0",
    );
    const events = await server.query(
      `select type, actor, username from accounts.account_events e join accounts.users u on u.id = e.user_id
       where type like 'EMAIL%' order by e.id`,
    );
    expect(events).toEqual([
      { type: "EMAIL_RETRIED", actor: "OPERATOR", username: "eve" },
      { type: "EMAIL_DISCARDED", actor: "OPERATOR", username: "bob" },
    ]);
    expect(kept, "what is sent in the end is deleted after a day like any other").toEqual([]);
  });

  test("retries and discards all that have failed, and refuses in one sentence what is not there", async () => {
    const { server, env } = await withServer();
    server.smtp.refusal = "554 5.7.1 blocked";
    for (const name of ["ada", "eve"]) await server.registerPerson(name);
    await server.smtp.refusals(2);
    const failed = () =>
      server.query("select 1 from accounts_queue.job where name = 'mail' and state = 'failed'");
    await expect.poll(failed).toHaveLength(2);
    server.smtp.refusal = ({ recipients: [to] }) => (to === "ada@example.com" ? null : "554 5.7.1 blocked");
    expect(await succeed(env, ["mail", "retry", "--all"])).toMatch(/^2 emails are back/);
    await server.smtp.mailTo("ada@example.com");
    await server.smtp.refusals(3);
    await expect.poll(failed).toHaveLength(1);
    expect(await succeed(env, ["mail", "discard", "--all"])).toBe("1 email is discarded.\n");
    expect(await succeed(env, ["mail", "discard", "--all"])).toBe("0 emails are discarded.\n");

    const nobody = "00000000-0000-4000-8000-000000000000";
    expect(await refuse(env, ["mail", "show", nobody])).toMatch(/^No email has the ID "0/);
    const [sent] = await server.query<{ id: string }>(
      "select id from accounts_queue.job where name = 'mail'",
    );
    expect(await refuse(env, ["mail", "retry", sent!.id])).toMatch(
      /is done\. Only one that is failed or retrying/,
    );
    const neither = await account(env, ["mail", "retry"]);
    expect(neither).toMatchObject({ code: 1, stderr: expect.stringMatching(/an id or --all/) as string });
  });

  test("sends a test email and says what the SMTP server said, without a server or a database", async () => {
    const { server } = await withServer();
    const env = {
      MAIL_SERVER: "127.0.0.1",
      MAIL_PORT: String(server.smtp.port),
      MAIL_USERNAME: "accounts@example.com",
    };
    expect(await succeed(env, ["mail", "test", "ada@example.com"])).toMatch(/took the email: 250 /);
    expect((await server.smtp.mailTo("ada@example.com")).mail.subject).toMatch(/^Test email of/);
    server.smtp.atRecipient = () => "550 5.1.1 no such mailbox here";
    expect(await refuse(env, ["mail", "test", "ada@example.com"])).toMatch(
      /It said: 550 .*no such mailbox here/,
    );
    expect(await refuse(env, ["mail", "test", "ada"])).toMatch(/email/);
    expect(await refuse({}, ["mail", "test", "ada@example.com"])).toMatch(/^MAIL_SERVER is not set/);
  });
});

describe("in the default start", () => {
  test("commands work before the first start, beside the running server, and after it", async () => {
    const env = { DATA_DIR: await temporaryFolder() };
    await succeed(env, ["create-admin", "root", "root@example.com"], { input: PASSWORD });
    await succeed(env, ["reset", "root"]);

    const server = await startProcess({ env });
    const door = await server.ready();
    const mails = async () => (await fetch(`${door.url}/mailbox/messages`)).json() as Promise<unknown[]>;
    await expect.poll(mails).toHaveLength(1);
    door.succeed(
      await door
        .as(door.succeed(await door.login({ username: "root", password: PASSWORD })).accessToken)
        .users(),
    );
    const postmaster = () => readFileSync(join(dataLocation(server), "postmaster.pid"), "utf8");
    const running = postmaster();
    await succeed(env, ["import", await fileOf([importable("ada", passlibHash(PASSWORD))])]);
    await succeed(env, ["reset", "root"]);
    await expect.poll(mails).toHaveLength(2);
    expect(postmaster(), "the server's PostgreSQL served both").toBe(running);
    door.succeed(await door.login({ username: "ada", password: PASSWORD }));
    expect(await server.end("SIGTERM")).toBe(0);

    expect(await succeed(env, ["list", "--search", "ada"])).toContain("ada@example.com");
    expect(() => postmaster(), "nothing is left running").toThrow("ENOENT");
  });

  test("a command beside a server that is still starting waits for it", async () => {
    const env = { DATA_DIR: await temporaryFolder() };
    const server = await startProcess({ env });
    await expect.poll(() => readdir(env.DATA_DIR)).not.toEqual([]);
    const listed = succeed(env, ["list"]);
    await server.ready();
    expect(await listed).toMatch(/^REGISTERED [^\n]+\n$/);
  });

  test("a command without the DATABASE_URL that the server has is refused in one sentence", async () => {
    const env = { DATA_DIR: await temporaryFolder() };
    const server = await startProcess({
      env: { ...env, DATABASE_URL: await createDatabase(inject("postgresUrl")) },
    });
    await server.ready();
    expect(await refuse(env, ["list"])).toMatch(/Set the same DATABASE_URL as for that server\.\n$/);
  });

  test("SIGINT ends an import in order, and the next one goes on", async () => {
    const env = { DATA_DIR: await temporaryFolder() };
    const hash = passlibHash(PASSWORD);
    const people = Array.from({ length: 20_000 }, (_, index) => importable(`user-${index}`, hash));
    // The first line is told as soon as its batch is committed.
    const file = await fileOf(["first", ...people]);
    const cut = await startProcess({ env, script: "dist/bin/account.js", args: ["import", file] });
    await expect.poll(() => cut.output).toContain("line 1");
    expect(await cut.end("SIGINT")).toBe(130);
    expect(cut.output).toBe("line 1: This is not a JSON object.\n");

    const { stdout } = await account(env, ["import", file]);
    const [, imported, existing] = /^(\d+) imported, (\d+) already there, 1 refused/.exec(stdout)!;
    expect(Number(imported) + Number(existing)).toBe(people.length);
    expect(Number(existing)).toBeGreaterThanOrEqual(999);
  });
});
