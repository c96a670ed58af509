// Sends whatever attackers could send, and holds the server to what must never come of it. Used by input.test.ts, which is quick, and
// by input.long.test.ts, which sends a million inputs.
import { readFileSync } from "node:fs";

import { STATUS_CODES } from "node:http";
import { domainToASCII } from "node:url";

import { ApolloServerErrorCode } from "@apollo/server/errors";
import { solveChallenge, type Challenge } from "altcha-lib";
import { deriveKey } from "altcha-lib/algorithms/pbkdf2";
import fc, { type Arbitrary } from "fast-check";
import { isEnumType } from "graphql";
import { expect, onTestFinished } from "vitest";

import { listedCodes, schema, type GraphQLErrorBody, type OperationName } from "../support/graphql.ts";
import { Ingredients, type Kind } from "../support/input/ingredients.ts";
import { message, messageFor } from "../support/input/messages.ts";
import {
  eachOperation,
  operation,
  operationWith,
  requestFor,
  type OperationRecipe,
} from "../support/input/operations.ts";
import { captureLog, type CapturedLog } from "../support/log.ts";
import { temporaryFolder } from "../support/process.ts";
import { RawClient, type RawAnswer } from "../support/raw-http.ts";
import { FULL_HASHES, openServer, PASSWORD, type ActivePerson, type TestServer } from "../support/server.ts";
import { tokenIn, type ReceivedMail } from "../support/smtp.ts";

/** How many requests are under way at once, at most. */
const AT_ONCE = 128;
/** How often fast-check is called with one seed; it tells the seed and the path of a failure. */
const RUNS = 40;
/** How many smaller batches are tried after a failure; the message has the request that failed anyway. */
const SHRINKS = 100;

const PRODUCTION = {
  NODE_ENV: "production",
  TRUSTED_PROXIES: "127.0.0.1",
  JWT_SECRET: "a secret of this test, at least 32 bytes long",
  MAIL_DEFAULT_SENDER: "accounts@example.com",
  CONFIRMATION_URI: "https://app.example/#/finalize",
  RESET_URI: "https://app.example/#/reset",
};

export interface Tally {
  inputs: number;
  requests: number;
  /** The arguments that were sent, as `field.argument`. */
  readonly args: Set<string>;
  /** The operations that succeeded. */
  readonly succeeded: Set<string>;
  /** How often each answer came, by its code or by its status and type. */
  readonly outcomes: Map<string, number>;
  /** The first seed, for INPUT_SEED. */
  seed: number | undefined;
}

/**
 * Runs a property with so many inputs, which are others each time. A failure tells the seed; INPUT_SEED begins with the same inputs.
 * @param property sends what was made, and adds to the tally
 */
async function withInputs<Made>(
  inputs: number,
  batches: Arbitrary<Made[]>,
  tally: Tally,
  property: (batch: Made[]) => Promise<void>,
): Promise<void> {
  const given = process.env["INPUT_SEED"];
  let seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
  tally.seed ??= seed;
  let shrinks: number | undefined;
  const isOver = () => tally.inputs >= inputs;
  while (!isOver()) {
    const checked = fc.asyncProperty(batches, async (batch) => {
      if (isOver() || (shrinks ?? 0) > SHRINKS) return;
      if (shrinks !== undefined) shrinks += 1;
      try {
        await property(batch);
      } catch (error) {
        shrinks ??= 0;
        throw error;
      }
    });
    await fc.assert(checked, { seed, numRuns: RUNS, unbiased: true });
    seed += 1;
  }
}

/** What is under way at once. */
const batchesOf = <Made>(arbitrary: Arbitrary<Made>) =>
  fc.array(arbitrary, { minLength: 1, maxLength: AT_ONCE, size: "max" });

const newTally = (): Tally => ({
  inputs: 0,
  requests: 0,
  args: new Set(),
  succeeded: new Set(),
  outcomes: new Map(),
  seed: undefined,
});

// --- Answers ----------------------------------------------------------------------------------------------

const accountCodes = schema.getType("AccountErrorCode");
if (!isEnumType(accountCodes)) throw new Error("schema.graphql has no enum AccountErrorCode");
/** What schema.graphql says that an operation can be refused with, and what Apollo refuses requests with. */
const GRAPHQL_CODES = new Set([
  ...accountCodes.getValues().map(({ name }) => name),
  ...Object.keys(ApolloServerErrorCode).filter((code) => code !== "INTERNAL_SERVER_ERROR"),
]);

interface Body {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: GraphQLErrorBody[];
}

/** The first thing that is wrong with an answer; undefined if it is a documented one. */
function faultOf({ status, headers, text }: RawAnswer): string | undefined {
  if (status >= 500) return `the status is ${status}`;
  if (/node_modules|node:internal|\.[jt]s:\d/.test(text)) return "it tells of the inside";
  const type = headers.get("content-type") ?? "";
  if (!/^application\/(?:json|graphql-response\+json); charset=utf-8$/i.test(type))
    return `the type is ${type}`;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return "it is no JSON";
  }
  const bodies = Array.isArray(body) ? (body as Body[]) : [body as Body];
  for (const { errors = [] } of bodies) {
    for (const { message, extensions } of errors) {
      if (typeof message !== "string" || message === "") return "an error has no message";
      const isOfStatus = status >= 400 && extensions.code === codeOf(status);
      if (!isOfStatus && !GRAPHQL_CODES.has(extensions.code)) return `the code is ${extensions.code}`;
    }
  }
  return undefined;
}

const codeOf = (status: number) => STATUS_CODES[status]?.toUpperCase().replaceAll(/\W+/g, "_");

/** Fails with the answer and what was sent. */
function fail(fault: string, sent: Buffer, answer?: RawAnswer): never {
  const shown = answer && `${answer.status} ${JSON.stringify([...answer.headers])} ${answer.text}`;
  throw new Error(
    `${fault}\n--- answer\n${(shown ?? "none").slice(0, 2_000)}\n--- to\n${JSON.stringify(sent.toString()).slice(0, 3_000)}`,
  );
}

// --- The log ----------------------------------------------------------------------------------------------

/** Finds what an attacker chose in the log, marks and tokens, and what the server did not expect. */
class LogWatch {
  readonly #log: CapturedLog;
  readonly #prefix: string;
  #read = 0;

  constructor(log: CapturedLog, prefix: string) {
    this.#log = log;
    this.#prefix = prefix;
  }

  /** Takes no more notice of what has been logged by now. */
  skip(): void {
    this.#read = this.#log.text.length;
  }

  /** @param sent what may have been logged since the last check */
  check(sent: readonly Buffer[] = []): void {
    const fresh = this.#log.text.slice(this.#read); // whole lines
    this.skip();
    const found = new RegExp(`(?:${this.#prefix}\\w*|eyJ\\w{10,}|unexpected error)`, "i").exec(fresh);
    if (found === null) return;
    const mark = found[0].split(/\W/, 1)[0]!;
    const source = sent.find((bytes) => bytes.includes(mark));
    const around = fresh.slice(Math.max(0, found.index - 1_500), found.index + 200);
    fail(`the log has ${mark}: ${around}`, source ?? Buffer.concat([...sent]));
  }
}

// --- Operations -------------------------------------------------------------------------------------------

/** Who sends operations: several of each role, because what they send logs them out, renames or deletes them. */
class Callers {
  readonly #server: TestServer;
  readonly #ingredients: Ingredients;
  readonly #hash: string;
  readonly #tokens: Record<"user" | "admin", (string | null)[]> = {
    user: new Array<null>(3).fill(null),
    admin: new Array<null>(3).fill(null),
  };

  constructor(server: TestServer, ingredients: Ingredients, passwordHash: string) {
    this.#server = server;
    this.#ingredients = ingredients;
    this.#hash = passwordHash;
  }

  authorization({ caller, n }: OperationRecipe): string | undefined {
    if (caller === "nobody") return undefined;
    if (caller === "somebody") return `Bearer ${this.#ingredients.known("access", n) ?? ""}`;
    const tokens = this.#tokens[caller];
    return `Bearer ${tokens[n % tokens.length] ?? ""}`;
  }

  /** Takes notice of a refusal: who is not logged in any more, or no administrator any more, is lost. */
  refused({ caller, n, field, headers }: OperationRecipe, code: string): void {
    if (caller !== "user" && caller !== "admin") return;
    if (headers.some(([name]) => name === "Authorization")) return;
    const isForAdmins = listedCodes.get(field as OperationName)!.includes("FORBIDDEN");
    const isNone = caller === "admin" && isForAdmins && /^(?:FORBIDDEN|PASSWORD_REQUIRED)$/.test(code);
    const tokens = this.#tokens[caller];
    if (code === "UNAUTHENTICATED" || isNone) tokens[n % tokens.length] = null;
  }

  async replaceTheLost(): Promise<void> {
    const replaced = (["user", "admin"] as const).map((role) =>
      this.#tokens[role].map(async (token, place) => {
        this.#tokens[role][place] = token ?? (await this.#newcomer(role));
      }),
    );
    await Promise.all(replaced.flat());
  }

  async #newcomer(role: "user" | "admin"): Promise<string> {
    const username = this.#ingredients.mark();
    await this.#server.query(
      `insert into accounts.users (id, username, email, password_hash, roles, is_active, credential_version, created_at, updated_at)
       values (gen_random_uuid(), $1, $1 || '@example.com', $2, $3, true, 1, now(), now())`,
      [username, this.#hash, role === "admin" ? "{USER,ADMIN}" : "{USER}"],
    );
    const login = this.#server.succeed(await this.#server.login({ username, password: PASSWORD }));
    this.#ingredients.learn("username", username);
    const claims = Buffer.from(login.accessToken.split(".")[1]!, "base64url").toString();
    this.#ingredients.learn("session", (JSON.parse(claims) as { ref: string }).ref);
    this.#ingredients.learn("id", login.user.id);
    for (const [kind, value] of [
      ["access", login.accessToken],
      ["refresh", login.refreshToken],
      ["device", login.deviceToken],
    ] as const)
      if (value !== null) this.#ingredients.learn(kind, value);
    return login.accessToken;
  }
}

/** The fields of answers that others can send. */
const LEARNED: readonly (readonly [Kind, RegExp])[] = [
  ["access", /"accessToken":"([^"]+)"/g],
  ["refresh", /"refreshToken":"([^"]+)"/g],
  ["device", /"deviceToken":"([^"]+)"/g],
  ["id", /"id":"([0-9a-f-]{36})"/g],
  ["cursor", /"(?:end|start)?[cC]ursor":"([^"]+)"/g],
];
const SUBJECTS: readonly (readonly [Kind, RegExp])[] = [
  ["registration", /confirm your email address/i],
  ["reset", /reset your password/i],
  ["email-change", /confirm your new email address/i],
  ["email-undo", /your email address .* was changed/i],
];

/** Somebody who does nothing, to whom nothing may happen. */
async function bystander(server: TestServer, role: "user" | "admin") {
  const username = `bystander-${role}`;
  const email = `${username}@example.com`;
  const password = "nobody sends this one";
  server.succeed(await server.register({ username, email, password }));
  const token = await server.confirmationToken(email);
  const signedIn = server.succeed(await server.finalizeRegistration({ token }));
  if (role === "admin")
    await server.query("update accounts.users set roles = '{USER,ADMIN}' where username = $1", [username]);
  const [session] = await server.query<{ id: string }>(
    "select id from accounts.sessions where user_id = $1",
    [signedIn.user.id],
  );
  const { id } = signedIn.user;
  const rows = () =>
    server.query(
      `select to_jsonb(u)::text as "user", (select json_agg(s) from accounts.sessions s where s.user_id = u.id)::text as sessions
       from accounts.users u where id = $1`,
      [id],
    );
  return {
    id,
    username,
    email,
    password,
    sessionId: session!.id,
    accessToken: signedIn.accessToken,
    rows,
    before: await rows(),
  };
}

/** A server to attack, and what the attacker has. */
async function openTarget(env: Record<string, string>) {
  const log = captureLog();
  const { server, stop } = await openServer({ env: { ...FULL_HASHES, LOG_LEVEL: "debug", ...env } });
  const client = new RawClient(server.url);
  const ingredients = new Ingredients();
  const watch = new LogWatch(log, ingredients.prefix);
  const tally = newTally();
  let isRunning = true;
  const end = async () => {
    if (!isRunning) return;
    isRunning = false;
    client.close();
    await stop();
    await server.dropDatabase();
  };
  onTestFinished(end);

  async function sendOne({ bytes, inputs, answered, faultOf }: Sent): Promise<void> {
    tally.inputs += inputs;
    tally.requests += 1;
    const answers = await answered.catch((error: unknown) => fail(String(error), bytes));
    for (const answer of answers) {
      const fault = faultOf(answer);
      if (fault !== undefined) fail(fault, bytes, answer);
    }
  }

  return {
    server,
    client,
    ingredients,
    tally,
    /** Sends all at once. They are over before one fails, so that fast-check shrinks what failed and not what came later. */
    send: async (batch: readonly Sent[]): Promise<void> => {
      const outcomes = await Promise.allSettled(batch.map(sendOne));
      const failed = outcomes.find(({ status }) => status === "rejected") as
        PromiseRejectedResult | undefined;
      if (failed) {
        watch.skip();
        throw failed.reason;
      }
      watch.check(batch.map(({ bytes }) => bytes));
    },
    /** Ends the server, which then logs what it refused in the last minute. */
    finish: async (): Promise<Tally> => {
      await end();
      watch.check();
      return tally;
    },
  };
}

/** What is under way. */
interface Sent {
  readonly bytes: Buffer;
  readonly inputs: number;
  readonly answered: Promise<readonly RawAnswer[]>;
  readonly faultOf: (answer: RawAnswer) => string | undefined;
}

/** Sends operations with so many inputs, and checks each answer, the log, every mail and the database. */
export async function attackWithOperations(inputs: number): Promise<Tally> {
  const { server, client, ingredients, tally, send, finish } = await openTarget(PRODUCTION);
  const bystanders = [await bystander(server, "user"), await bystander(server, "admin")];
  for (const { username, email, sessionId } of bystanders) {
    ingredients.keep("username", username);
    ingredients.keep("email", email);
    ingredients.keep("session", sessionId);
  }
  ingredients.keep("password", PASSWORD, "another good battery");
  const original = await server.activePerson("original");
  ingredients.keep("reset", await server.askForReset(original.email));
  ingredients.keep("email-change", await server.askForEmailChange(original, "changed@example.com"));
  const { email } = await server.registerPerson("pending");
  ingredients.keep("email", email);
  ingredients.keep("registration", await server.confirmationToken(email));
  const callers = new Callers(server, ingredients, await hashOf(server, original));
  const secrets = new Set(bystanders.flatMap(({ id, email }) => [id, email]));

  const attack = async (batch: OperationRecipe[]) => {
    await callers.replaceTheLost();
    await send(
      batch.map((recipe) => {
        const request = requestFor(recipe, ingredients, callers.authorization(recipe));
        for (const { name } of recipe.args) tally.args.add(`${recipe.field}.${name}`);
        return {
          ...request,
          answered: client.send(request.bytes).then((answer) => [answer]),
          faultOf: (answer: RawAnswer) => {
            const fault = faultOf(answer) ?? unlistedCode(answer, request.fields);
            if (fault === undefined) note(answer, recipe, request.fields);
            return fault;
          },
        };
      }),
    );
    for (const mail of server.smtp.received.splice(0)) read(mail);
  };
  await withInputs(1, eachOperation(4), tally, attack);
  await withInputs(inputs, batchesOf(operation), tally, attack);

  function note({ text }: RawAnswer, recipe: OperationRecipe, fields: ReadonlyMap<string, string>): void {
    const body = JSON.parse(text) as Body | Body[];
    if (Array.isArray(body)) return;
    for (const { extensions } of body.errors ?? []) {
      tally.outcomes.set(extensions.code, (tally.outcomes.get(extensions.code) ?? 0) + 1);
      callers.refused(recipe, extensions.code);
    }
    if (!body.data) return;
    for (const [name, value] of Object.entries(body.data))
      if (value !== null) tally.succeeded.add(fields.get(name) ?? name);
    for (const [kind, pattern] of LEARNED) {
      const found = [...text.matchAll(pattern)]
        .map(([, value]) => value!)
        .filter((each) => !secrets.has(each));
      // A few of each answer, or a long list would displace all else.
      for (const value of found.slice(0, 3))
        ingredients.learn(kind === "id" && recipe.field === "sessions" ? "session" : kind, value);
    }
  }

  /** Holds a mail to one recipient, and learns its token unless it is for a bystander. */
  function read(mail: ReceivedMail): void {
    expectOneRecipient(mail);
    const kind = SUBJECTS.find(([, subject]) => subject.test(mail.mail.subject ?? ""))?.[0];
    if (kind === undefined || mail.recipients.some((recipient) => secrets.has(recipient))) return;
    ingredients.learn(kind, tokenIn(mail));
    if (kind === "registration") ingredients.learn("email", mail.recipients[0]!);
  }

  await server.mailsSettled();
  for (const mail of server.smtp.received.splice(0)) read(mail);
  const after = `after what began with INPUT_SEED=${tally.seed!}`;
  for (const [invariant, counterexamples] of Object.entries(INVARIANTS))
    expect(await server.query(`${counterexamples} limit 3`), `${invariant}, ${after}`).toEqual([]);
  for (const { username, password, rows, before } of bystanders) {
    expect(await rows(), `the row and the sessions of ${username} are what they were, ${after}`).toEqual(
      before,
    );
    server.succeed(await server.login({ username, password }));
  }
  return finish();
}

/** The hash of somebody's password, for accounts that are not registered. */
async function hashOf(server: TestServer, { id }: ActivePerson): Promise<string> {
  const [row] = await server.query<{ hash: string }>(
    "select password_hash as hash from accounts.users where id = $1",
    [id],
  );
  return row!.hash;
}

/** The code of an error that the `@errors` list of its field does not have. */
function unlistedCode({ text }: RawAnswer, fields: ReadonlyMap<string, string>): string | undefined {
  const body = JSON.parse(text) as Body | Body[];
  for (const { path, extensions } of Array.isArray(body) ? [] : (body.errors ?? [])) {
    const field = fields.get(path?.[0] ?? "");
    if (field === undefined) continue;
    if (!listedCodes.get(field as OperationName)!.includes(extensions.code))
      return `${extensions.code} is not in the @errors list of ${field}`;
  }
  return undefined;
}

const HEADERS_OF_MAILS = new Set(
  (
    "from to subject message-id date mime-version content-type content-transfer-encoding auto-submitted " +
    "x-auto-response-suppress"
  ).split(" "),
);

function expectOneRecipient({ recipients, mail }: ReceivedMail): void {
  expect(recipients).toHaveLength(1);
  expect(recipients[0]).toMatch(/^[!-~]+@[^\s@,;<>]+$/);
  expect(mail.to?.map(({ address = "" }) => inAscii(address))).toEqual(recipients.map(inAscii));
  expect(mail.headers.map(({ key }) => key).filter((key) => !HEADERS_OF_MAILS.has(key))).toEqual([]);
}

/** The test's SMTP server shows the domains of envelopes in Unicode. */
function inAscii(address: string): string {
  const [local = "", domain = ""] = address.toLowerCase().split("@");
  return `${local}@${domainToASCII(domain)}`;
}

/** What holds of the tables whatever was sent, each with a statement that finds what breaks it. */
const INVARIANTS: Record<string, string> = {
  "every active user has a username of their own":
    "select lower(username) from accounts.users group by 1 having count(*) > 1",
  "every active user has an email address of their own":
    "select lower(email) from accounts.users where is_active group by 1 having count(*) > 1",
  "every session is an active user's": `select s.id from accounts.sessions s left join accounts.users u on u.id = s.user_id
     where u.id is null or not u.is_active or u.deactivated_at is not null or u.erase_at is not null`,
  "nobody has more than 100 sessions":
    "select user_id from accounts.sessions group by 1 having count(*) > 100",
  "every event is of a user that exists, or of nobody": `select e.id from accounts.account_events e left join accounts.users u on u.id = e.user_id
     where e.user_id is not null and u.id is null`,
  "every pending account expires":
    "select id from accounts.users where not is_active and confirmation_expires_at is null",
  "every username and address has its form": `select username, email from accounts.users
     where username !~ '^[A-Za-z0-9_.-]{3,32}$' or length(email) > 254 or email !~ '^[!-~]+@[A-Za-z0-9.-]+$'`,
  "every hash is one of the server's own": `select password_hash from accounts.users where password_hash not like '$argon2id$v=19$m=19456,p=1,t=2$%' or length(password_hash) > 120`,
  "every locale is one that the server has":
    "select locale from accounts.users where locale not in ('en', 'pt-BR')",
  "every administrator was made by one": `select username from accounts.users u where 'ADMIN' = any(roles) and exists (
       select 1 from accounts.account_events e where e.user_id = u.id and e.type in ('REGISTERED', 'ACTIVATED'))
     and username <> 'bystander-admin' and not exists (
       select 1 from accounts.account_events e where e.user_id = u.id and e.type = 'ROLES_CHANGED' and e.actor = 'ADMIN')`,
  "every change of an email address is between addresses":
    "select id from accounts.email_changes where old_email !~ '^[!-~]+$' or new_email !~ '^[!-~]+$'",
  "every address in a table is one of IP": `select address from (select address from accounts.sessions union all select address from accounts.account_events) as a
     where address !~ '^[0-9a-f:.]{2,45}$'`,
  "nothing has a control character or is longer than its column is for": `select * from (
       select user_agent as text, 256 as longest from accounts.sessions
       union all select user_agent, 256 from accounts.account_events
       union all select registration_device, 100 from accounts.users
       union all select type, 40 from accounts.account_events
       union all select actor, 40 from accounts.account_events
     ) as texts where length(text) > longest or text ~ '[\\u0001-\\u001f\\u007f-\\u009f]'`,
  "no mail waits or failed":
    "select id, state from accounts_queue.job where name = 'mail' and state <> 'completed'",
};

// --- HTTP messages ----------------------------------------------------------------------------------------

/** Sends HTTP messages with so many inputs to a server in development, with its pages, GraphiQL and the mailbox. */
export async function attackWithMessages(inputs: number): Promise<Tally> {
  const { server, client, ingredients, tally, send, finish } = await openTarget({
    MAIL_SERVER: "",
    DATA_DIR: await temporaryFolder(),
    CORS_ORIGINS: "https://app.example",
  });
  const ada = await server.registerPerson("ada");
  await server.mailbox(1);

  await withInputs(inputs, batchesOf(message), tally, (batch) =>
    send(
      batch.map((recipe) => {
        const made = messageFor(recipe, ingredients);
        return {
          ...made,
          answered: client.exchange(made.bytes),
          faultOf: (answer: RawAnswer) => {
            const outcome = `${answer.status} ${answer.headers.get("content-type") ?? ""}`;
            tally.outcomes.set(outcome, (tally.outcomes.get(outcome) ?? 0) + 1);
            return faultOfPage(answer) ?? disclosure(answer, made.hosts);
          },
        };
      }),
    ),
  );

  server.refuse(await server.login(ada), "ACCOUNT_NOT_ACTIVATED");
  await fetch(`${server.url}/mailbox/messages`, { method: "DELETE" });
  const { email } = await server.registerPerson("grace");
  expect((await server.mailbox(1)).map(({ to }) => to)).toEqual([email]);
  return finish();
}

const SCHEMA = readFileSync("schema.graphql", "utf8");

/** As faultOf; pages, files and the mailbox's texts are documented answers, too. */
function faultOfPage(answer: RawAnswer): string | undefined {
  const { status, headers, text } = answer;
  if (status >= 500) return `the status is ${status}`;
  // To HEAD, to a preflight, to what has not changed, and of an empty range.
  if (text === "") return undefined;
  const type = headers.get("content-type") ?? "";
  if (status !== 200 && status !== 206) return faultOf(answer);
  if (type.startsWith("text/html")) return /^\s*<!doctype html>/i.test(text) ? undefined : "it is no page";
  if (headers.has("content-encoding")) return undefined; // http/compression.test.ts reads what is compressed
  if (type === "text/plain; charset=utf-8")
    return text === SCHEMA || text.includes("\nSubject: ")
      ? undefined
      : "it is neither the schema nor a mail";
  if (/^(?:text\/(?:event-stream|css|javascript)|application\/javascript|image\/svg\+xml)/.test(type))
    return undefined;
  return faultOf(answer);
}

/** In development, whoever owns a name of a host learns nothing of the accounts from it. */
function disclosure({ text }: RawAnswer, hosts: readonly string[]): string | undefined {
  const isForeign = hosts[0] !== undefined && /evil\.example(?::\d+)?$/.test(hosts[0]);
  if (!isForeign || !/"data":|"html":/.test(text)) return undefined;
  return `${hosts[0]!} was answered`;
}

// --- Challenges -------------------------------------------------------------------------------------------

/** Sends operations that ask for the solution of a challenge, with so many inputs. */
export async function attackWithSolutions(inputs: number): Promise<Tally> {
  const env = { ...PRODUCTION, CHALLENGE: "always", HIDE_ACCOUNT_EXISTENCE: "true" };
  const { server, client, ingredients, tally, send, finish } = await openTarget(env);

  await withInputs(inputs, batchesOf(operationWith("challengeSolution")), tally, async (batch) => {
    const refused = await server.login({ username: "nobody", password: PASSWORD });
    const { challenge } = refused.errors[0]!.extensions as unknown as { challenge: Challenge };
    const solution = await solveChallenge({ challenge, deriveKey });
    ingredients.learn("challenge", btoa(JSON.stringify({ challenge, solution })));
    await send(
      batch.map((recipe) => {
        const request = requestFor(recipe, ingredients, undefined);
        return {
          ...request,
          answered: client.send(request.bytes).then((answer) => [answer]),
          faultOf: (answer) => faultOf(answer) ?? unlistedCode(answer, request.fields),
        };
      }),
    );
  });
  return finish();
}
