// HIDE_ACCOUNT_EXISTENCE: no byte and no header of an answer tells whether an email address has an account, in which state it is, or
// which username belongs to it. no-oracle.long.test.ts measures the time.
import { solveChallenge, type Challenge } from "altcha-lib";
import { deriveKey } from "altcha-lib/algorithms/pbkdf2";
import argon2 from "argon2";
import { describe, expect, test } from "vitest";

import { QUESTIONS, STATES, storeAccounts } from "../support/account-states.ts";
import { schema, type Answer, type GraphQLDoor } from "../support/graphql.ts";
import { PASSWORD, sharedServer, startServer, type TestServer } from "../support/server.ts";

const HIDING = { HIDE_ACCOUNT_EXISTENCE: "true", RATE_LIMITS: "on", TRUSTED_PROXIES: "127.0.0.1" };
const HASH = await argon2.hash(PASSWORD, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });

/** What is blocked for a second stays so for an hour, or a busy machine would be too slow to meet the limit. */
const WAIT = 3_630;

let people = 0;
/** A name as long as all others, so that lengths can be compared. */
const newName = () => `someone-${10_000 + (people += 1)}`;

/** A client from an address that has not asked before. */
function newClient(server: TestServer): GraphQLDoor {
  people += 1;
  return server.with({ "x-forwarded-for": `10.0.${people >> 8}.${people & 255}` });
}

/** All that a client sees, but what differs by chance or by the clock. */
function seen({ status, headers, text }: Answer<unknown>): string {
  const named = [...headers].filter(([name]) => !["date", "x-request-id"].includes(name));
  return (
    JSON.stringify({ status, headers: named, text: JSON.parse(text) as unknown })
      // A challenge is made anew each time.
      .replaceAll(
        /"(nonce|salt|keyPrefix|keySignature|signature)":"(\w+)"/g,
        (_, name, value: string) => `${name} of ${value.length}`,
      )
      .replaceAll(/"expiresAt":\d+/g, "expiresAt")
      // Seconds that begin to pass at the try that met the limit.
      .replaceAll(
        /("retry-after","|"retryAfterSeconds":)(\d+)/g,
        (_, name, value) => `${name}${Math.ceil(Number(value) / 60)} minutes`,
      )
  );
}

/** Solves the challenge of an answer. */
async function solutionOf({ errors }: Answer<unknown>): Promise<object> {
  const { challenge } = errors[0]!.extensions as unknown as { challenge: Challenge };
  const solution = await solveChallenge({ challenge, deriveKey });
  return { challengeSolution: btoa(JSON.stringify({ challenge, solution })) };
}

const SITUATIONS: Record<string, { env?: Record<string, string>; ends: Record<string, string | null> }> = {
  ordinarily: {
    ends: { register: null, resendRegistration: null, requestReset: null, login: "INVALID_CREDENTIALS" },
  },
  "while the SMTP server is away": {
    env: { MAIL_PORT: "1" },
    ends: { register: null, resendRegistration: null, requestReset: null, login: "INVALID_CREDENTIALS" },
  },
  "under limits": {
    env: { RATE_LIMITS: "mail-recipient=1,password-account-address=1" },
    ends: {
      register: "RATE_LIMITED",
      resendRegistration: "RATE_LIMITED",
      requestReset: "RATE_LIMITED",
      login: "RATE_LIMITED",
    },
  },
  "with a challenge that is always asked for": {
    env: { CHALLENGE: "always" },
    ends: {
      register: "CHALLENGE_REQUIRED",
      resendRegistration: null,
      requestReset: "CHALLENGE_REQUIRED",
      login: "CHALLENGE_REQUIRED",
    },
  },
  "with a challenge during an attack": {
    env: { CHALLENGE: "auto", RATE_LIMITS: "challenge-register=1,challenge-login=1,challenge-reset=1" },
    ends: {
      register: "CHALLENGE_REQUIRED",
      resendRegistration: null,
      requestReset: "CHALLENGE_REQUIRED",
      login: "CHALLENGE_REQUIRED",
    },
  },
};

describe.each(Object.entries(SITUATIONS))(
  "%s, every state gets the same bytes and headers, twice:",
  (_, { env, ends }) => {
    const shared = sharedServer({ env: { ...HIDING, ...env } });

    test.each(Object.keys(QUESTIONS))("%s", async (question) => {
      const server = shared();
      const ask = QUESTIONS[question]!;
      await ask(newClient(server), newName()); // meets what is counted for all together
      const answers = new Map<string, string[]>();
      for (const state of STATES) {
        const name = newName();
        await storeAccounts(server, [{ name, state }], HASH);
        const client = newClient(server);
        const first = await ask(client, name);
        await server.advanceRateLimits(-WAIT);
        const twice = [first, await ask(client, name)];
        expect(twice[1]!.errors[0]?.extensions.code ?? null, state).toBe(ends[question.split(" ")[0]!]);
        answers.set(state, twice.map(seen));
      }
      for (const [state, each] of answers)
        expect({ state, each }).toEqual({ state, each: answers.get("unknown") });
    });
  },
);

test.each(["register", "requestReset", "login by username", "login by email address"])(
  "every state gets the same bytes and headers from %s once a challenge is solved",
  async (question) => {
    const server = await startServer({ env: { ...HIDING, CHALLENGE: "always" } });
    const answers = new Map<string, string>();
    for (const state of ["unknown", "pending", "active", "deactivated"] as const) {
      const name = newName();
      await storeAccounts(server, [{ name, state }], HASH);
      const client = newClient(server);
      const challenged = await QUESTIONS[question]!(client, name);
      answers.set(state, seen(await QUESTIONS[question]!(client, name, await solutionOf(challenged))));
    }
    expect(answers.get("unknown")).not.toContain("CHALLENGE_REQUIRED");
    for (const answer of answers.values()) expect(answer).toBe(answers.get("unknown"));
  },
);

test("a change to an email address gets the same bytes and headers in every state of it, twice and under limits", async () => {
  const server = await startServer({ env: { ...HIDING, RATE_LIMITS: "mail-recipient=2" } });
  const { accessToken } = await server.activePerson("prober");
  const answers = new Map<string, string[]>();
  for (const state of STATES) {
    const name = newName();
    await storeAccounts(server, [{ name, state }], HASH);
    const client = newClient(server).as(accessToken);
    const ask = () => client.requestEmailChange({ newEmail: `${name}@example.com`, password: PASSWORD });
    const thrice = [await ask(), await ask(), await ask()];
    expect(
      thrice.map(({ errors }) => errors[0]?.extensions.code),
      state,
    ).toEqual([undefined, undefined, "RATE_LIMITED"]);
    answers.set(state, thrice.map(seen));
  }
  for (const [state, each] of answers)
    expect({ state, each }).toEqual({ state, each: answers.get("unknown") });
});

test("RATE_LIMITED does not tell whether a username and an email address belong together", async () => {
  const server = await startServer({
    env: { ...HIDING, RATE_LIMITS: "password-account=3,password-account-address=3,mail-recipient=3" },
  });
  /** What somebody sees who tries a username and an email address in turn, until both are refused. */
  const tryBoth = async (username: string, owner: string) => {
    const transcript: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      const email = `${owner}@example.com`;
      const client = newClient(server);
      if (count === 3) await server.advanceRateLimits(-WAIT);
      transcript.push(
        seen(await client.login({ username, password: "a guess of a stranger" })),
        seen(await client.login({ username: email, password: "a guess of a stranger" })),
        seen(await client.requestReset({ email })),
      );
    }
    return transcript;
  };
  const [one, other, third] = [newName(), newName(), newName()];
  for (const name of [one, other, third]) await storeAccounts(server, [{ name, state: "active" }], HASH);

  const together = await tryBoth(one, one);

  expect(together.at(-3)).toContain("RATE_LIMITED");
  expect(together.at(-2)).toContain("RATE_LIMITED");
  expect(await tryBoth(other, third), "of two accounts").toEqual(together);
  expect(await tryBoth(newName(), newName()), "of nobody").toEqual(together);
});

test("these are all operations that take an email address or a username", () => {
  const fields = [schema.getQueryType()!, schema.getMutationType()!].flatMap((type) =>
    Object.values(type.getFields()),
  );
  const asking = fields.filter(({ args }) => args.some(({ name }) => /email|username/i.test(name)));

  expect(asking.map(({ name }) => name).sort()).toEqual([
    "changeUsername", // usernames are public
    "login",
    "register",
    "requestEmailChange",
    "requestReset",
    "resendRegistration",
  ]);
});
