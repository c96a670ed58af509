// How passwords are stored, that old hashes grow stronger at login, and that an unknown user costs the same.
import { readFile } from "node:fs/promises";

import argon2 from "argon2";
import bcrypt from "bcrypt";
import { expect, inject, test } from "vitest";

import { Hashing } from "../../../src/accounts/hashing/hashing.ts";
import { measureWorkFactor, workFactorAdvice } from "../../../src/accounts/hashing/work-factor.ts";
import { createDatabase, query } from "../../support/postgres.ts";
import { FULL_HASHES, PASSWORD, startServer, type TestServer } from "../../support/server.ts";

const IN_FORCE = /^\$argon2id\$v=19\$m=19456,(?:t=2,p=1|p=1,t=2)\$[\w+/]{22,}\$[\w+/]{43}$/;

interface Cost {
  memoryCost: number;
  timeCost: number;
  parallelism: number;
}

async function storedHash(server: TestServer, username: string): Promise<string> {
  const rows = await server.query("select password_hash from accounts.users where username = $1", [username]);
  return rows[0]!["password_hash"] as string;
}

/** As if the account had been registered when other parameters were in force. */
async function storeHash(server: TestServer, username: string, options: Cost): Promise<string> {
  const hash = await argon2.hash(PASSWORD, options);
  await server.query("update accounts.users set password_hash = $1 where username = $2", [hash, username]);
  return hash;
}

test("a password is stored as argon2id with 19 MiB, 2 passes and 1 lane, at register and at finalizeReset", async () => {
  const server = await startServer({ env: FULL_HASHES });
  const { username, email } = await server.activePerson("ada");
  const registered = await storedHash(server, username);
  expect(registered).toMatch(IN_FORCE);
  expect(await argon2.verify(registered, PASSWORD)).toBe(true);

  const token = await server.askForReset(email);
  server.succeed(await server.finalizeReset({ token, password: "a new battery staple" }));

  const reset = await storedHash(server, username);
  expect(reset).toMatch(IN_FORCE);
  expect(await argon2.verify(reset, "a new battery staple")).toBe(true);
});

test("the same password has another hash in each account", async () => {
  const server = await startServer({ env: FULL_HASHES });
  await server.registerPerson("ada");
  await server.registerPerson("eve");

  expect(await storedHash(server, "ada")).not.toBe(await storedHash(server, "eve"));
});

test.each([
  { what: "less memory", options: { memoryCost: 8192, timeCost: 2, parallelism: 1 } },
  { what: "fewer passes", options: { memoryCost: 19456, timeCost: 1, parallelism: 1 } },
])("a hash made with $what is upgraded at login, and by nothing else", async ({ options }) => {
  const server = await startServer({ env: FULL_HASHES });
  const { username, email } = await server.activePerson("ada");
  const weak = await storeHash(server, username, options);

  server.refuse(await server.login({ username, password: "wrong horse battery" }), "INVALID_CREDENTIALS");
  server.refuse(await server.login({ username, password: PASSWORD.repeat(10) }), "INVALID_CREDENTIALS");
  server.succeed(await server.requestReset({ email }));
  expect(await storedHash(server, username)).toBe(weak);

  const { accessToken } = server.succeed(await server.login({ username, password: PASSWORD }));
  const upgraded = await storedHash(server, username);
  expect(upgraded).toMatch(IN_FORCE);
  expect(server.succeed(await server.as(accessToken).me())?.username, "tokens stay good").toBe(username);

  server.succeed(await server.login({ username, password: PASSWORD }));
  expect(await storedHash(server, username), "no need to hash again").toBe(upgraded);
});

test("a hash that is stronger than those made now stays as it is", async () => {
  const server = await startServer({ env: FULL_HASHES });
  const { username } = await server.activePerson("ada");
  const strong = await storeHash(server, username, { memoryCost: 32_768, timeCost: 3, parallelism: 1 });

  server.succeed(await server.login({ username, password: PASSWORD }));

  expect(await storedHash(server, username)).toBe(strong);
});

test("logging in as somebody unknown takes as long as with a wrong password", async () => {
  const server = await startServer({ env: FULL_HASHES });
  const { username, email } = await server.activePerson("ada");
  const names = { known: username, unknown: "nobody", knownEmail: email, unknownEmail: "no@example.com" };
  const took = new Map<string, number[]>(Object.keys(names).map((kind) => [kind, []]));
  for (let round = 0; round < 16; round += 1) {
    for (const [kind, name] of Object.entries(names)) {
      const start = performance.now();
      server.refuse(
        await server.login({ username: name, password: "wrong horse battery" }),
        "INVALID_CREDENTIALS",
      );
      if (round > 0) took.get(kind)!.push(performance.now() - start);
    }
  }

  // The lower quartile: what else runs on the machine disturbs the quicker ones least.
  const quartiles = [...took.values()].map((times) => times.sort((a, b) => a - b)[3]!);
  expect(Math.max(...quartiles) / Math.min(...quartiles)).toBeLessThan(2);
});

test("with HIDE_ACCOUNT_EXISTENCE, so does a wrong password of an imported account whose hash takes longer", async () => {
  const before = await startServer({ env: FULL_HASHES });
  const { username } = await before.activePerson("ada");
  const hash = await bcrypt.hash(PASSWORD, 12);
  await before.query("update accounts.users set password_hash = $1 where username = $2", [hash, username]);
  await before.activePerson("eve");
  const server = await startServer({
    env: { ...FULL_HASHES, HIDE_ACCOUNT_EXISTENCE: "true" },
    databaseUrl: before.databaseUrl,
  });

  const took = new Map<string, number[]>([username, "eve", "nobody"].map((name) => [name, []]));
  for (let round = 0; round < 8; round += 1) {
    for (const [name, times] of took) {
      const start = performance.now();
      server.refuse(
        await server.login({ username: name, password: "wrong horse battery" }),
        "INVALID_CREDENTIALS",
      );
      times.push(performance.now() - start);
    }
  }

  const quartiles = [...took.values()].map((times) => times.sort((a, b) => a - b)[2]!);
  expect(Math.max(...quartiles) / Math.min(...quartiles)).toBeLessThan(2);
});

test("PASSWORD_HASH_MIB and PASSWORD_HASH_PASSES raise the work of new hashes, and of old ones at login", async () => {
  const before = await startServer({ env: FULL_HASHES });
  const { username } = await before.activePerson("ada");
  const server = await startServer({
    env: { PASSWORD_HASH_MIB: "24", PASSWORD_HASH_PASSES: "3" },
    databaseUrl: before.databaseUrl,
  });
  await server.registerPerson("eve");
  server.succeed(await server.login({ username, password: PASSWORD }));

  for (const name of ["ada", "eve"])
    expect(await storedHash(server, name)).toMatch(/^\$argon2id\$v=19\$m=24576,(t=3,p=1|p=1,t=3)\$/);
});

test("a machine that could afford more work is told so after the start, with what to set", async () => {
  const own = new Hashing(1, { warn: console.warn });
  const workFactor = { memoryKiB: 19_456, passes: 2 };
  expect(await measureWorkFactor(own, workFactor)).toBeGreaterThan(0);
  own.stop();

  expect(workFactorAdvice(25, workFactor)).toBe(undefined);
  const advice = workFactorAdvice(4, workFactor);
  expect(advice).toMatch(/takes 4\.0 ms on this machine \(m=19456, t=2\)/);
  expect(advice).toMatch(/PASSWORD_HASH_PASSES=20,/);
});

test("no statement holds a password hash in its text, where the database's log might keep it", async () => {
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  const name = new URL(databaseUrl).pathname.slice(1);
  await query(databaseUrl, `alter database ${name} set log_statement = 'all'`);
  await query(databaseUrl, `alter database ${name} set log_parameter_max_length = 0`);
  const log = inject("postgresLog");
  const before = (await readFile(log)).length;
  const server = await startServer({ databaseUrl, env: FULL_HASHES });

  const { username, email } = await server.activePerson("ada");
  await storeHash(server, username, { memoryCost: 8192, timeCost: 2, parallelism: 1 });
  server.succeed(await server.login({ username, password: PASSWORD }));
  server.succeed(await server.requestReset({ email }));
  server.succeed(
    await server.finalizeReset({ token: await server.resetToken(email), password: "a new battery" }),
  );

  const statements = (await readFile(log, "utf8")).slice(before);
  expect(statements).toMatch(/insert into accounts\.users/);
  expect(statements).toMatch(/update accounts\.users set password_hash/);
  expect(statements).not.toContain("argon2id");
});
