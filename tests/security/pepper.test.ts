// PASSWORD_PEPPER: a stolen database is of no use to guess passwords with, the key can be changed while people log in, and a lost
// key is told.
import argon2 from "argon2";
import bcrypt from "bcrypt";
import { expect, inject, onTestFinished, test } from "vitest";

import { captureLog } from "../support/log.ts";
import { createDatabase } from "../support/postgres.ts";
import { FULL_HASHES, openServer, PASSWORD, startServer, type TestServer } from "../support/server.ts";

const KEYS = {
  1: Buffer.alloc(32, "first key").toString("base64"),
  2: Buffer.alloc(40, "second key").toString("base64"),
};
const OLD = `1:${KEYS[1]}`;
const NEW = `2:${KEYS[2]},1:${KEYS[1]}`;
const WRONG = "wrong horse battery";

const secretOf = (version: 1 | 2) => Buffer.from(KEYS[version], "base64");

async function hashOf(server: TestServer, username: string): Promise<string> {
  const sql = "select password_hash from accounts.users where username = $1";
  const [row] = await server.query<{ password_hash: string }>(sql, [username]);
  return row!.password_hash;
}

/** Starts one server after another with the same database, each with another pepper. */
async function restartable(): Promise<(pepper: string) => Promise<TestServer>> {
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  let stop = () => Promise.resolve();
  onTestFinished(() => stop());
  return async (pepper) => {
    await stop();
    const opened = await openServer({ env: { PASSWORD_PEPPER: pepper }, databaseUrl });
    stop = opened.stop;
    return opened.server;
  };
}

async function expectLogin(server: TestServer, username: string, password = PASSWORD): Promise<void> {
  server.refuse(await server.login({ username, password: WRONG }), "INVALID_CREDENTIALS");
  server.succeed(await server.login({ username, password }));
}

test("a stolen hash matches no guess without the pepper, at register, finalizeReset and changePassword", async () => {
  const server = await startServer({ env: { ...FULL_HASHES, PASSWORD_PEPPER: OLD } });
  const { username, email } = await server.activePerson("ada");
  const expectPeppered = async (password: string) => {
    const hash = await hashOf(server, username);
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,.*,keyid=1\$/);
    expect(hash).not.toContain(KEYS[1]);
    expect(await argon2.verify(hash, password)).toBe(false);
    expect(await argon2.verify(hash, password, { secret: secretOf(1) })).toBe(true);
    await expectLogin(server, username, password);
  };

  await expectPeppered(PASSWORD);
  const token = await server.askForReset(email);
  const password = "a new battery staple";
  const { accessToken } = server.succeed(await server.finalizeReset({ token, password }));
  await expectPeppered(password);
  const newPassword = "an even better battery";
  server.succeed(await server.as(accessToken).changePassword({ currentPassword: password, newPassword }));
  await expectPeppered(newPassword);
});

test("whoever logs in gets the new pepper, whatever the hash was made with, and nothing else changes it", async () => {
  const restart = await restartable();
  const plain = await restart("");
  await plain.activePerson("ada");
  const bob = await plain.activePerson("bob");
  const bcryptHash = await bcrypt.hash(PASSWORD, 4);
  await plain.query("update accounts.users set password_hash = $1 where id = $2", [bcryptHash, bob.id]);
  await (await restart(OLD)).activePerson("eve");
  const server = await restart(NEW);

  for (const username of ["ada", "bob", "eve"]) {
    const before = await hashOf(server, username);
    server.refuse(await server.login({ username, password: WRONG }), "INVALID_CREDENTIALS");
    expect(await hashOf(server, username), username).toBe(before);

    await expectLogin(server, username);
    const upgraded = await hashOf(server, username);
    expect(upgraded, username).toMatch(/^\$argon2id\$.*,keyid=2\$/);
    expect(await argon2.verify(upgraded, PASSWORD, { secret: secretOf(2) })).toBe(true);

    await expectLogin(server, username);
    expect(await hashOf(server, username), "no need to hash again").toBe(upgraded);
  }
});

test("a server that has the new key second verifies it, so that replicas can learn it before one uses it", async () => {
  const first = await startServer({ env: { PASSWORD_PEPPER: NEW } });
  const { username } = await first.activePerson("ada");
  const second = await startServer({
    env: { PASSWORD_PEPPER: `1:${KEYS[1]},2:${KEYS[2]}` },
    databaseUrl: first.databaseUrl,
  });

  await expectLogin(second, username);
  await expectLogin(first, username);
});

test("a password of a lost pepper is wrong, which is logged once with the version, and right again with the key", async () => {
  const restart = await restartable();
  const { username, email } = await (await restart(OLD)).activePerson("ada");
  const log = captureLog();
  for (const pepper of ["", `2:${KEYS[2]}`]) {
    const server = await restart(pepper);
    const answers = [];
    for (const password of [PASSWORD, PASSWORD, WRONG])
      answers.push(await server.login({ username, password }));
    for (const answer of answers) server.refuse(answer, "INVALID_CREDENTIALS");
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  }
  const told = log.text.match(/version 1 of PASSWORD_PEPPER, which is not configured/g);
  expect(told, "one for each server").toHaveLength(2);
  expect(log.text).not.toContain(KEYS[2]);

  await expectLogin(await restart(NEW), username);
  const other = await restart(`1:${KEYS[1]}`);
  const token = await other.askForReset(email);
  other.succeed(await other.finalizeReset({ token, password: "a new battery staple" }));
  await expectLogin(other, username, "a new battery staple");
});

test("a NUL in the key cuts nothing off it", async () => {
  const key = (end: string) => Buffer.concat([Buffer.alloc(32), Buffer.from(end)]).toString("base64");
  const server = await startServer({ env: { PASSWORD_PEPPER: `1:${key("a")}` } });
  const { username } = await server.activePerson("ada");
  const other = await startServer({
    env: { PASSWORD_PEPPER: `1:${key("b")}` },
    databaseUrl: server.databaseUrl,
  });

  other.refuse(await other.login({ username, password: PASSWORD }), "INVALID_CREDENTIALS");
  await expectLogin(server, username);
});
