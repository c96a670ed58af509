// HIDE_ACCOUNT_EXISTENCE: how long an answer takes tells nothing of the account that an email address or a username has. Each
// question is asked twice in a row, because the first could leave work behind that slows the second down.
import { once } from "node:events";
import { Worker } from "node:worker_threads";

import argon2 from "argon2";
import pg from "pg";
import { describe, expect, inject, onTestFinished, test } from "vitest";

import { QUESTIONS, STATES, storeAccounts, type State } from "../support/account-states.ts";
import type { GraphQLDoor } from "../support/graphql.ts";
import { createDatabase } from "../support/postgres.ts";
import { startProcess } from "../support/process.ts";
import { PASSWORD } from "../support/server.ts";

const SAMPLES = 200;
/** Of medians, compared with those of an address that nobody has. */
const WITHIN = 0.1;
const REFUSED = new Set(["RATE_LIMITED"]);
/** Nobody twice: what the machine's noise makes of equal work. */
const CONTROL = "unknown again";

/** Of all together, which is more than this test may ask for. */
const UNLIMITED = "mail-total=1000000";

const SITUATIONS: Record<
  string,
  { readonly calls: readonly string[]; readonly env?: Record<string, string> }
> = {
  ordinarily: { calls: ["first", "second"] },
  "while the SMTP server is away": { calls: ["first", "second"], env: { MAIL_PORT: "1" } },
  "under limits": {
    calls: ["first", "refused", "refused again"],
    env: { RATE_LIMITS: `${UNLIMITED},password-account-address=1,mail-recipient=1` },
  },
  "with a challenge": { calls: ["first", "second"], env: { CHALLENGE: "always" } },
};

describe.each(Object.entries(SITUATIONS))("%s", (situation, { calls, env = {} }) => {
  test.each(Object.keys(QUESTIONS))(
    "the medians of 200 interleaved answers for every state are within a tenth: %s",
    { timeout: 3_600_000 },
    async (name) => {
      const { door, database } = await startServer(env);
      const passwordHash = await argon2.hash(PASSWORD, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
      const rows = [...STATES, CONTROL];
      const times = new Map(rows.map((row) => [row, calls.map((): number[] => [])]));
      const outcomes = calls.map(() => new Set<string>());
      let count = 0;

      const round = async () => {
        // Fresh accounts, in an order that chance decides, so that none always follows the same.
        const accounts = rows.map((row) => {
          count += 1;
          return {
            row,
            name: `someone-${10_000 + count}`,
            state: row === CONTROL ? "unknown" : (row as State),
          };
        });
        await storeAccounts(database, accounts, passwordHash);
        for (const { row, name: whom } of accounts.sort(() => Math.random() - 0.5)) {
          count += 1;
          const client = door.with({
            "x-forwarded-for": `10.${count >> 16}.${(count >> 8) & 255}.${count & 255}`,
          });
          for (const [call] of calls.entries()) {
            const start = performance.now();
            const { errors } = await QUESTIONS[name]!(client, whom);
            times.get(row)![call]!.push(performance.now() - start);
            outcomes[call]!.add(errors[0]?.extensions.code ?? "OK");
          }
        }
        // Emails that wait for the SMTP server would be tried again and again.
        await database.query("delete from accounts_queue.job where name = 'mail' and state = 'retry'");
      };
      const sample = async (rounds: number) => {
        for (let done = 0; done < rounds; done += 1) await round();
      };
      /** How much longer each row takes than nobody in the same round, as a part of the time that nobody takes. */
      const excesses = () =>
        calls.flatMap((call, index) => {
          const nobody = times.get("unknown")![index]!;
          return rows.map((row) => {
            const differences = times.get(row)![index]!.map((time, each) => time - nobody[each]!);
            return {
              row,
              call,
              excess: median(differences) / median(nobody),
              milliseconds: median(times.get(row)![index]!),
            };
          });
        });

      await sample(5); // the first ones are slower
      for (const lists of times.values()) for (const list of lists) list.length = 0;
      const told = () => excesses().filter(({ excess }) => !(Math.abs(excess) < WITHIN));
      // A busy machine needs more samples until chance is averaged out; a true difference would stay.
      for (let tries = 0; tries < 5 && (tries === 0 || told().length > 0); tries += 1) await sample(SAMPLES);

      expect(outcomes.map((codes) => codes.size)).toEqual(calls.map(() => 1));
      if (situation === "under limits") expect(outcomes.slice(1)).toEqual([REFUSED, REFUSED]);
      expect(told()).toEqual([]);
    },
  );
});

const median = (numbers: readonly number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

/** The built server, in a process of its own, with an SMTP server in a thread of its own. */
async function startServer(env: Record<string, string>): Promise<{ door: GraphQLDoor; database: pg.Pool }> {
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  const database = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  onTestFinished(() => database.end());
  const smtp = new Worker(SMTP_SERVER, { eval: true });
  onTestFinished(async () => {
    await smtp.terminate();
  });
  const [port] = (await once(smtp, "message")) as [number];
  const server = await startProcess({
    env: {
      DATABASE_URL: databaseUrl,
      JWT_SECRET: "a secret of this test, at least 32 bytes long",
      HIDE_ACCOUNT_EXISTENCE: "true",
      MAIL_SERVER: "127.0.0.1",
      MAIL_PORT: String(port),
      MAIL_USERNAME: "accounts@example.com",
      TRUSTED_PROXIES: "127.0.0.1",
      RATE_LIMITS: UNLIMITED,
      LOG_LEVEL: "error",
      ...env,
    },
  });
  return { door: await server.ready(), database };
}

const SMTP_SERVER = `
  const { SMTPServer } = require("smtp-server");
  const server = new SMTPServer({
    authOptional: true,
    onData(stream, session, callback) {
      stream.resume();
      stream.on("end", callback);
    },
  });
  server.on("error", () => undefined);
  server.listen(0, "127.0.0.1", () => require("node:worker_threads").parentPort.postMessage(server.server.address().port));
`;
