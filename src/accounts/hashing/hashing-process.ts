// A process that only hashes; hashing.ts starts it. The only file that imports argon2 and bcrypt. It ends with the server, however
// that ends.
import { pbkdf2, timingSafeEqual } from "node:crypto";
import { constants, setPriority } from "node:os";
import { promisify } from "node:util";

import argon2 from "argon2";
import bcrypt from "bcrypt";

import { BCRYPT, PBKDF2, type WorkFactor } from "./hash-formats.ts";
import type { HashingAnswer, HashingTask } from "./hashing.ts";

// Hashing may use every core, but requests and PostgreSQL come first. The threads that hash are started later and inherit the
// priority.
setPriority(constants.priority.PRIORITY_LOW);

// A terminal and a supervisor signal every process, but this one ends when the server says so.
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit());
process.on("message", (task: HashingTask) => {
  // A server that was killed takes no answer; without the callback, that would be an uncaught error on its standard error.
  const sent = () => undefined;
  void answer(task).then((result) => process.connected && process.send?.(result, undefined, {}, sent));
});

async function answer({ id, password, pepper = "", ...task }: HashingTask): Promise<HashingAnswer> {
  const secret = Buffer.from(pepper, "base64");
  try {
    const result =
      "hash" in task ? matches(task.hash, password, secret) : hashOf(password, task.workFactor, secret);
    return { id, result: await result };
  } catch (error) {
    return { id, fault: (error as Error).message };
  }
}

function hashOf(password: string, { memoryKiB, passes }: WorkFactor, secret: Buffer): Promise<string> {
  const parameters = { memoryCost: memoryKiB, timeCost: passes, parallelism: 1 };
  return argon2.hash(password, { type: argon2.argon2id, ...parameters, secret });
}

/** Whether `password` made `hash`; `secret` is for argon2 alone. */
async function matches(hash: string, password: string, secret: Buffer): Promise<boolean> {
  // $2y$ is PHP's name for $2b$.
  if (BCRYPT.test(hash)) return bcrypt.compare(password, hash.replace("$2y$", "$2b$"));
  const [, rounds, salt = "", checksum = ""] = PBKDF2.exec(hash) ?? [];
  if (rounds === undefined) return argon2.verify(hash, password, { secret });
  const expected = fromPasslib(checksum);
  const derived = await promisify(pbkdf2)(
    password,
    fromPasslib(salt),
    Number(rounds),
    expected.length,
    "sha512",
  );
  return timingSafeEqual(derived, expected);
}

const fromPasslib = (base64: string) => Buffer.from(base64.replaceAll(".", "+"), "base64");
