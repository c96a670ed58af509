// An upgrade as operators do it: the former release serves while this version migrates its database and starts beside it.
// FORMER=main~20 takes any other commit for the former release.
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import { expect, inject, test } from "vitest";

import type { GraphQLDoor } from "../support/graphql.ts";
import { createDatabase, query } from "../support/postgres.ts";
import { externalParts, startProcess, temporaryFolder } from "../support/process.ts";
import { PASSWORD } from "../support/server.ts";
import { tokenIn } from "../support/smtp.ts";

const run = promisify(execFile);
const CLIENTS = 8;
/** So many requests with both versions serving, and with each alone. */
const REQUESTS = 300;

/** The newest release before this commit; null if there is none. */
async function formerRelease(): Promise<string | null> {
  const described = run("git", ["describe", "--tags", "--match=v*", "--abbrev=0", "HEAD^"]);
  return described.then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
}

/** Builds it in a folder of its own, with its own packages where they differ from those of this version. */
async function build(ref: string): Promise<string> {
  const root = await temporaryFolder();
  await run("sh", ["-c", 'git archive "$0" | tar -x -C "$1"', ref, root]);
  const lock = (folder: string) => readFileSync(join(folder, "package-lock.json"), "utf8");
  if (lock(root) === lock(".")) await symlink(resolve("node_modules"), join(root, "node_modules"));
  else await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: root, maxBuffer: 2 ** 26 });
  if (!existsSync(join(root, "dist"))) await run("npm", ["run", "build"], { cwd: root });
  return root;
}

/** What people of any version do, in words of the first release. */
const DOCUMENTS = {
  me: "{ me { username } }",
  sessions: "{ sessions { id } }",
  activity: "{ recentActivity(first: 20) { edges { node { type } } } }",
  login: `mutation ($username: String!) { login(username: $username, password: "${PASSWORD}") { accessToken refreshToken } }`,
  refresh:
    "mutation ($refreshToken: String!) { refreshSession(refreshToken: $refreshToken) { accessToken refreshToken } }",
  reset: "mutation ($email: String!) { requestReset(email: $email) { message } }",
  register: `mutation ($username: String!, $email: String!) {
    register(username: $username, email: $email, password: "${PASSWORD}") { message }
  }`,
  activate: "mutation ($token: String!) { finalizeRegistration(token: $token) { accessToken refreshToken } }",
};

type Tokens = Record<"accessToken" | "refreshToken", string>;

test(
  "while this version migrates and starts beside the former, no request fails",
  { timeout: 30 * 60_000 },
  async ({ skip }) => {
    const ref = process.env["FORMER"] ?? (await formerRelease());
    if (ref === null) return skip("no release comes before this commit; FORMER=... names one");
    const root = await build(ref);
    const { smtp, env: parts } = await externalParts();
    const databaseUrl = await createDatabase(inject("postgresUrl"), { empty: true });
    const env = { ...parts, DATABASE_URL: databaseUrl, RATE_LIMITS: "off" };
    const former = await startProcess({ root, env });
    let doors = [await former.ready()];

    const failures: string[] = [];
    let answered = 0;
    const ask = async (door: GraphQLDoor, name: keyof typeof DOCUMENTS, variables = {}): Promise<unknown> => {
      const { data, errors } = await door.execute(DOCUMENTS[name], variables);
      if (errors.length > 0) throw new Error(errors[0]!.message);
      answered += 1;
      return Object.values(data!)[0];
    };
    const any = () => doors[Math.floor(Math.random() * doors.length)]!;
    let isOver = false;
    const client = async (_: unknown, index: number) => {
      const username = `person-${index}`;
      const email = `${username}@example.com`;
      await ask(any(), "register", { username, email });
      const token = tokenIn(await smtp.mailTo(email));
      let tokens = (await ask(any(), "activate", { token })) as Tokens;
      const acts = {
        me: () => ask(any().as(tokens.accessToken), "me"),
        sessions: () => ask(any().as(tokens.accessToken), "sessions"),
        activity: () => ask(any().as(tokens.accessToken), "activity"),
        login: async () => (tokens = (await ask(any(), "login", { username })) as Tokens),
        refresh: async () => (tokens = (await ask(any(), "refresh", tokens)) as Tokens),
        reset: () => ask(any(), "reset", { email }),
        register: () =>
          ask(any(), "register", {
            username: `p${answered}-${index}`,
            email: `p${answered}-${index}@example.com`,
          }),
      };
      for (let round = 0; !isOver; round += 1) {
        const [name, act] = Object.entries(acts)[round % 7]!;
        await act().catch((error: unknown) => failures.push(`${name}: ${(error as Error).message}`));
      }
    };
    const load = Promise.all(Array.from({ length: CLIENTS }, client));
    const someRequests = async () => {
      const before = answered;
      await expect
        .poll(() => answered + failures.length, { timeout: 300_000 })
        .toBeGreaterThan(before + REQUESTS);
    };

    await someRequests();
    const current = await startProcess({ env });
    const door = await current.ready();
    await someRequests(); // of the former release alone, on the new tables
    doors = [...doors, door];
    await someRequests();
    doors = [door];
    expect(await former.end("SIGTERM"), former.output).toBe(0);
    await someRequests();
    isOver = true;
    await load;

    console.log(`${ref}: ${failures.length} of ${answered + failures.length} requests failed`);
    expect(
      [...new Set(failures)],
      former.output
        .split("\n")
        .filter((line) => line.includes("ERROR"))
        .join("\n"),
    ).toEqual([]);
    const unsent = "select id from accounts_queue.job where name = 'mail' and state <> 'completed'";
    await expect.poll(() => query(databaseUrl, unsent)).toEqual([]);
    const verify = await startProcess({
      script: "dist/bin/account.js",
      args: ["verify"],
      env: { DATABASE_URL: databaseUrl },
    });
    expect(await verify.exited(), verify.output).toBe(0);
  },
);
