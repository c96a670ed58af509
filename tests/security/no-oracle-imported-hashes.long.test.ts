// HIDE_ACCOUNT_EXISTENCE: how long a refused login takes tells nothing of the account, even among imported hashes that take
// another time than the server's own.
import { pbkdf2Sync } from "node:crypto";

import argon2 from "argon2";
import bcrypt from "bcrypt";
import { expect, test } from "vitest";

import { FULL_HASHES, PASSWORD, startServer } from "../support/server.ts";

const SAMPLES = 200;
const WRONG = "wrong horse battery";

test(
  "the medians of 200 interleaved refused logins of every kind are within 10 %",
  { timeout: 3_600_000 },
  async () => {
    const before = await startServer({ env: FULL_HASHES });
    const hashes: Record<string, string | null> = {
      own: null,
      bcrypt10: await bcrypt.hash(PASSWORD, 10),
      passlib: passlibHash(PASSWORD),
      weaker: await argon2.hash(PASSWORD, { memoryCost: 8192, timeCost: 1, parallelism: 1 }),
    };
    for (const [username, hash] of Object.entries(hashes)) {
      await before.activePerson(username);
      if (hash !== null)
        await before.query("update accounts.users set password_hash = $1 where username = $2", [
          hash,
          username,
        ]);
    }
    await before.registerPerson("pending");
    const server = await startServer({
      env: { ...FULL_HASHES, HIDE_ACCOUNT_EXISTENCE: "true" },
      databaseUrl: before.databaseUrl,
    });

    const logins = [
      ...Object.keys(hashes).map((username) => ({ username, password: WRONG })),
      { username: "bcrypt10@example.com", password: WRONG },
      { username: "nobody", password: WRONG },
      { username: "nobody@example.com", password: WRONG },
      { username: "pending", password: WRONG },
      { username: "pending", password: PASSWORD },
    ];
    const times = logins.map((): number[] => []);
    const sample = async (rounds: number) => {
      for (let round = 0; round < rounds; round += 1) {
        // Shuffled, so that none always follows the same.
        for (const index of [...logins.keys()].sort(() => Math.random() - 0.5)) {
          const start = performance.now();
          server.refuse(await server.login(logins[index]), "INVALID_CREDENTIALS");
          times[index]!.push(performance.now() - start);
        }
      }
    };
    const medians = () => times.map((some) => some.toSorted((a, b) => a - b)[Math.floor(some.length / 2)]!);
    const spread = () => Math.max(...medians()) / Math.min(...medians());

    await sample(5); // the first ones are slower
    for (const some of times) some.length = 0;
    // A busy machine needs more samples until chance is averaged out; a true difference would stay.
    for (let tries = 0; tries < 3 && !(spread() < 1.1); tries += 1) await sample(SAMPLES);

    const told = logins.map(({ username }, index) => `${username}: ${medians()[index]!.toFixed(1)} ms`);
    expect(spread(), told.join(", ")).toBeLessThan(1.1);
  },
);

function passlibHash(password: string): string {
  const rounds = 25_000;
  const salt = Buffer.alloc(16, "salt");
  const base64 = (bytes: Buffer) => bytes.toString("base64").replaceAll("+", ".").replaceAll("=", "");
  return `$pbkdf2-sha512$${rounds}$${base64(salt)}$${base64(pbkdf2Sync(password, salt, rounds, 64, "sha512"))}`;
}
