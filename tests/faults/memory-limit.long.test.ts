// A server in 256 MB, as containers limit it, under more of a day's mixture than it can serve.
import { expect, test } from "vitest";

import { storeAccounts } from "../support/account-states.ts";
import type { GraphQLDoor } from "../support/graphql.ts";
import { tally } from "../support/hold-back.ts";
import { MemoryLimit } from "../support/memory-limit.ts";
import { query } from "../support/postgres.ts";
import { externalParts, startProcess } from "../support/process.ts";
import { PASSWORD } from "../support/server.ts";

const MEGABYTES = 256;
const CLIENTS = 500; // more than passwords may wait to be hashed
const SECONDS = Number(process.env["MEMORY_SECONDS"] ?? 90);

test(
  `${MEGABYTES} MB are enough for a server and its hashing under more load than it can serve`,
  { timeout: 15 * 60_000 },
  async ({ skip }) => {
    const memory = MemoryLimit.make(MEGABYTES);
    if (!memory) return skip("limiting memory needs Linux and root");
    const { smtp, env } = await externalParts();
    const server = await startProcess({
      memory,
      nodeOptions: ["--max-semi-space-size=8"], // as docs/operations.md says
      env: {
        ...env,
        NODE_ENV: "production",
        MAIL_DEFAULT_SENDER: "accounts@example.com",
        HIDE_ACCOUNT_EXISTENCE: "false",
        CONFIRMATION_URI: "https://app.example/#/finalize",
        RESET_URI: "https://app.example/#/reset",
        RATE_LIMITS: "off",
        TRUSTED_PROXIES: "127.0.0.1",
      },
    });
    const door = await server.ready();
    door.succeed(await door.register({ username: "ada", email: "ada@example.com", password: PASSWORD }));
    const [ada] = await query<{ hash: string }>(
      env.DATABASE_URL,
      "select password_hash as hash from accounts.users",
    );
    const names = Array.from({ length: CLIENTS }, (_, index) => `person-${index}`);
    const accounts = names.map((name) => ({ name, state: "active" as const }));
    const database = { query: (sql: string, values: unknown[]) => query(env.DATABASE_URL, sql, values) };
    await storeAccounts(database, accounts, ada!.hash);

    const [answers, weights]: [Awaited<ReturnType<GraphQLDoor["me"]>>[], number[]] = [[], []];
    const scale = setInterval(() => weights.push(memory.usedMegabytes()), 200);
    const end = Date.now() + SECONDS * 1000;
    await Promise.all(
      names.map(async (username, index) => {
        const client = door.with({ "x-forwarded-for": `198.51.100.${index % 250}` });
        let session = { accessToken: "", refreshToken: "" as string | null };
        const enter = async () => {
          const answer = await client.login({ username, password: PASSWORD });
          if (answer.errors.length === 0) session = answer.data!;
          return answer;
        };
        const refresh = async () => {
          const answer = await client.refreshSession({ refreshToken: session.refreshToken! });
          if (answer.errors.length === 0) session = answer.data!;
          return answer;
        };
        while (session.accessToken === "" && Date.now() < end) answers.push((await enter()) as never);
        for (let round = 0; Date.now() < end; round += 1) {
          const dice = Math.random();
          const signedIn = client.as(session.accessToken);
          const email = `${username}-${round}@example.com`;
          const request =
            dice < 0.6 ? signedIn.me() :
            dice < 0.65 ? signedIn.sessions() :
            dice < 0.75 ? signedIn.recentActivity({ first: 100 }) :
            dice < 0.8 ? refresh() :
            dice < 0.9 ? enter() :
            dice < 0.95 ? client.register({ username: `p${index}-${round}`, email, password: PASSWORD }) :
            client.requestReset({ email: `${username}@example.com` }); // prettier-ignore
          answers.push((await request) as never);
        }
      }),
    );
    clearInterval(scale);

    const outcomes = tally(answers);
    console.log(
      `${answers.length} answers in ${SECONDS} s, ${smtp.received.length} emails; at most ${Math.max(...weights).toFixed(0)} MB:`,
      outcomes,
    );
    const warnings = server.output.split("\n").filter((line) => !line.includes('"level":30')).join("\n"); // prettier-ignore
    expect(memory.kills(), warnings).toBe(0);
    expect(outcomes, warnings).not.toHaveProperty("INTERNAL_SERVER_ERROR");
    expect(outcomes).toHaveProperty("SERVER_BUSY");
    expect(outcomes).toHaveProperty("done");
  },
);
