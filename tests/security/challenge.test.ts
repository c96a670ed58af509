// Proof of work, for attacks from so many addresses that limits by address do not meet them.
import { solveChallenge, type Challenge } from "altcha-lib";
import { deriveKey } from "altcha-lib/algorithms/pbkdf2";
import { describe, expect, test } from "vitest";

import { useBrowser } from "../support/browser.ts";
import type { Answer } from "../support/graphql.ts";
import { heading, logIn } from "../support/page-actions.ts";
import { MINUTE, PASSWORD, startServer, type TestServer } from "../support/server.ts";

const openPage = useBrowser();
const ADA = { username: "ada", email: "ada@example.com", password: PASSWORD };
const BEHIND_PROXY = { TRUSTED_PROXIES: "127.0.0.1", RATE_LIMITS: "on" };

type Door = ReturnType<TestServer["with"]>;

const from = (server: TestServer, n: number) =>
  server.with({ "x-forwarded-for": `198.51.${Math.floor(n / 250)}.${n % 250}` });

/** What a client that is not ours sends, by the documentation. */
async function solutionOf(server: TestServer, answer: Answer<unknown>): Promise<string> {
  const { extensions } = server.refuse(answer, "CHALLENGE_REQUIRED");
  const challenge = (extensions as { challenge?: Challenge }).challenge!;
  const solution = await solveChallenge({ challenge, deriveKey });
  return btoa(JSON.stringify({ challenge, solution }));
}

/** A server that always asks, with the active account of ADA. */
async function challengedServer(): Promise<TestServer> {
  const server = await startServer();
  await server.activePerson("ada");
  return startServer({ databaseUrl: server.databaseUrl, env: { CHALLENGE: "always" } });
}

describe("CHALLENGE=always", () => {
  const operations: Record<
    string,
    (door: Pick<Door, "register" | "login" | "requestReset">, args?: object) => Promise<Answer<unknown>>
  > = {
    register: (door, args) => door.register({ ...ADA, ...args }),
    login: (door, args) => door.login({ ...ADA, ...args }),
    requestReset: (door, args) => door.requestReset({ ...ADA, ...args }),
  };

  test.each(Object.keys(operations))("keeps %s from whoever has not solved a challenge", async (name) => {
    const server = await startServer({ env: { CHALLENGE: "always" } });
    const operation = operations[name]!;

    const challengeSolution = await solutionOf(server, await operation(server));

    const answer = await operation(server, { challengeSolution });
    expect(answer.errors.map(({ extensions }) => extensions.code)).not.toContain("CHALLENGE_REQUIRED");
  });

  test("takes no solution of a challenge that is older than five minutes", async () => {
    const server = await startServer({ env: { CHALLENGE: "always" } });
    const challengeSolution = await solutionOf(server, await server.login(ADA));

    server.advance(5 * MINUTE);

    server.refuse(await server.login({ ...ADA, challengeSolution }), "CHALLENGE_REQUIRED");
  });

  test("takes a solution once, at whichever replica", async () => {
    const server = await startServer({ env: { CHALLENGE: "always" } });
    const replica = await startServer({ databaseUrl: server.databaseUrl, env: { CHALLENGE: "always" } });
    const challengeSolution = await solutionOf(server, await server.login(ADA));

    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? server : replica).login({ ...ADA, challengeSolution })),
    );

    const codes = answers.map(({ errors }) => errors[0]!.extensions.code);
    expect(codes.filter((code) => code !== "CHALLENGE_REQUIRED")).toEqual(["INVALID_CREDENTIALS"]);
  });

  test("takes no solution that is forged, made easier, of another server, or no solution", async () => {
    const server = await startServer({ env: { CHALLENGE: "always" } });
    const stranger = await startServer({
      env: { CHALLENGE: "always", JWT_SECRET: "the secret of another server, 32 bytes long" },
    });
    const foreign = await solutionOf(stranger, await stranger.login(ADA));
    const own = JSON.parse(atob(await solutionOf(server, await server.login(ADA)))) as {
      challenge: Challenge;
      solution: { counter: number; derivedKey: string };
    };
    const encode = (payload: unknown) => btoa(JSON.stringify(payload));
    const { challenge, solution } = own;
    const { parameters } = challenge;

    for (const challengeSolution of [
      foreign,
      encode({ challenge, solution: { ...solution, derivedKey: "00".repeat(32) } }),
      encode({ challenge: { ...challenge, parameters: { ...parameters, cost: 1 } }, solution }),
      encode({ challenge: { ...challenge, parameters: { ...parameters, expiresAt: 4e9 } }, solution }),
      encode({ challenge: { parameters }, solution }),
      encode({
        ...own,
        hmacSignatureSecret: "mine",
        hmacKeySignatureSecret: "mine",
        challenge: { parameters },
      }),
      encode(null),
      "no base64, no JSON",
      "",
    ])
      server.refuse(await server.login({ ...ADA, challengeSolution }), "CHALLENGE_REQUIRED");

    server.refuse(await server.login({ ...ADA, challengeSolution: encode(own) }), "INVALID_CREDENTIALS");
  });

  test("asks a device that has logged in before for none", async () => {
    const server = await challengedServer();
    const challengeSolution = await solutionOf(server, await server.login(ADA));
    const { deviceToken } = server.succeed(await server.login({ ...ADA, challengeSolution }));

    server.succeed(await server.login({ ...ADA, deviceToken }));
  });

  test("asks whoever has a mailed link for none, with the password of the account", async () => {
    const before = await startServer();
    const ada = await before.activePerson("ada");
    const token = await before.askForEmailChange(ada, "new-ada@example.com");
    const server = await startServer({ databaseUrl: before.databaseUrl, env: { CHALLENGE: "always" } });

    const guess = await server.finalizeEmailChange({ token, password: "wrong horse battery" });
    server.refuse(guess, "INVALID_CREDENTIALS");
    server.succeed(await server.finalizeEmailChange({ token, password: PASSWORD }));
  });

  test("costs a person at our pages no click", async () => {
    const server = await challengedServer();
    const page = await openPage();

    await logIn(page, server, "ada");

    await heading(page, "Your account");
  });
});

describe("CHALLENGE=auto", () => {
  test("asks for one once wrong passwords come from everywhere, and for none before", async () => {
    const server = await startServer({
      env: { ...BEHIND_PROXY, CHALLENGE: "auto", RATE_LIMITS: "challenge-login=30" },
    });
    const guess = (n: number, args = {}) =>
      from(server, n).login({ username: `somebody-${n}`, password: PASSWORD, ...args });
    for (let n = 0; n < 30; n += 1) server.refuse(await guess(n), "INVALID_CREDENTIALS");

    const challengeSolution = await solutionOf(server, await guess(30));

    server.refuse(await guess(30, { challengeSolution }), "INVALID_CREDENTIALS");
    server.refuse(await guess(31), "CHALLENGE_REQUIRED");
  });

  test("counts nothing against whoever is asked for one", async () => {
    const server = await startServer({
      env: { ...BEHIND_PROXY, CHALLENGE: "auto", RATE_LIMITS: "challenge-login=1" },
    });
    await from(server, 1).login({ username: "somebody", password: PASSWORD });

    for (let n = 0; n < 15; n += 1) server.refuse(await from(server, 2).login(ADA), "CHALLENGE_REQUIRED");

    const challengeSolution = await solutionOf(server, await from(server, 2).login(ADA));
    server.refuse(await from(server, 2).login({ ...ADA, challengeSolution }), "INVALID_CREDENTIALS");
  });

  test("asks for one once registrations and resets come from everywhere", async () => {
    const server = await startServer({
      env: { ...BEHIND_PROXY, CHALLENGE: "auto", RATE_LIMITS: "challenge-register=2,challenge-reset=2" },
    });
    const person = (n: number) => ({ ...ADA, username: `person-${n}`, email: `person-${n}@example.com` });
    for (const n of [1, 2]) {
      server.succeed(await from(server, n).register(person(n)));
      server.refuse(await from(server, n).requestReset(person(n)), "ACCOUNT_NOT_ACTIVATED");
    }

    server.refuse(await from(server, 3).register(person(3)), "CHALLENGE_REQUIRED");
    server.refuse(await from(server, 3).requestReset(person(3)), "CHALLENGE_REQUIRED");
  });
});

test("CHALLENGE=off asks for none", async () => {
  const server = await startServer({ env: { RATE_LIMITS: "challenge-login=1" } });

  for (let n = 0; n < 3; n += 1) server.refuse(await server.login(ADA), "INVALID_CREDENTIALS");
});
