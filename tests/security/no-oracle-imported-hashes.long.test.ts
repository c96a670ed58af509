// HIDE_ACCOUNT_EXISTENCE: how long a refused login takes tells nothing of the account, even among imported hashes that take
// another time than the server's own.
import { pbkdf2Sync } from "node:crypto";

import argon2 from "argon2";
import bcrypt from "bcrypt";
import { expect, test } from "vitest";

import { PASSWORD, startServer } from "../support/server.ts";

const SAMPLES = 200;
const WRONG = "wrong horse battery";

test(
  "the medians of 200 interleaved refused logins of every kind are within 10 %",
  { timeout: 1_200_000 },
  async () => {
    const before = await startServer();
    const hashes: Record<string, string | null> = {
      own: null,
      bcrypt10: await bcrypt.hash(PASSWORD, 10),
      bcrypt8: await bcrypt.hash(PASSWORD, 8),
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
      env: { HIDE_ACCOUNT_EXISTENCE: "true" },
      databaseUrl: before.databaseUrl,
    });

    const logins = [
      ...Object.keys(hashes).map((username) => ({ username, password: WRONG })),
      { username: "passlib@example.com", password: WRONG },
      { username: "nobody", password: WRONG },
      { username: "nobody@example.com", password: WRONG },
      { username: "pending", password: WRONG },
      { username: "pending", password: PASSWORD },
    ];
    const times = logins.map((): number[] => []);
    for (let round = -5; round < SAMPLES; round += 1) {
      // From another one each time, so that none always follows the same.
      for (let step = 0; step < logins.length; step += 1) {
        const index = (step + Math.abs(round)) % logins.length;
        const start = performance.now();
        server.refuse(await server.login(logins[index]), "INVALID_CREDENTIALS");
        if (round >= 0) times[index]!.push(performance.now() - start);
      }
    }

    const medians = times.map((some) => some.sort((a, b) => a - b)[SAMPLES / 2]!);
    const told = logins
      .map(({ username }, index) => `${username}: ${medians[index]!.toFixed(1)} ms`)
      .join(", ");
    expect(Math.max(...medians) / Math.min(...medians), told).toBeLessThan(1.1);
  },
);

function passlibHash(password: string): string {
  const rounds = 25_000;
  const salt = Buffer.alloc(16, "salt");
  const base64 = (bytes: Buffer) => bytes.toString("base64").replaceAll("+", ".").replaceAll("=", "");
  return `$pbkdf2-sha512$${rounds}$${base64(salt)}$${base64(pbkdf2Sync(password, salt, rounds, 64, "sha512"))}`;
}
