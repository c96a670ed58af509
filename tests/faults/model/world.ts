// Does to a real server what the model describes, and holds against it what the server answers. After an operation whose answer was lost,
// or several at once, the accounts may be in one of several states; each later answer rules out those that do not explain it.
import { setTimeout as delay } from "node:timers/promises";

import { tokenIn, type ReceivedMail } from "../../support/smtp.ts";
import {
  apply,
  NOTHING,
  type Account,
  type Link,
  type Operation,
  type Outcome,
  type State,
  withoutSession,
  withoutSessionsOf,
} from "./account-model.ts";
import type { Part, Site } from "./site.ts";

/** The answer never came, so nobody knows whether it was done. */
const LOST = "LOST";

export interface Step {
  /** Done at once, if there are several. */
  readonly operations: readonly Operation[];
  /** Milliseconds after the operations have begun; null for none. */
  readonly crash: { readonly part: Part; readonly after: number } | null;
}

interface KnownSession {
  readonly userId: string;
  accessToken: string;
  /** By their number, from 1. */
  readonly refreshTokens: string[];
}

const SUBJECTS = {
  registration: /confirm your email address/i,
  reset: /reset your password/i,
  "email-change": /confirm your new email address/i,
  "email-undo": /your email address .* was changed/i,
};

/** The link that an operation asks for, if it succeeds. */
export const ASKS_FOR: Partial<Record<Operation["name"], keyof typeof SUBJECTS>> = {
  register: "registration",
  resendRegistration: "registration",
  requestReset: "reset",
  requestEmailChange: "email-change",
  finalizeEmailChange: "email-undo",
};

/** The links that an operation takes. */
const TAKES: Partial<Record<Operation["name"], readonly Link["kind"][]>> = {
  finalizeRegistration: ["registration"],
  finalizeReset: ["reset"],
  finalizeEmailChange: ["email-change", "email-undo"],
};

/** What nobody answers who is alone: who meets somebody else's change half-way is refused, or is logged out already. Nothing happens. */
const NOTHING_IN_A_RACE: Partial<Record<Operation["name"], readonly Outcome[]>> = {
  logout: ["OK"],
  logoutEverywhere: ["OK"],
  login: ["INVALID_CREDENTIALS"],
  finalizeRegistration: ["INVALID_TOKEN"],
  finalizeReset: ["INVALID_TOKEN"],
  finalizeEmailChange: ["INVALID_TOKEN", "INVALID_CREDENTIALS"],
  changePassword: ["UNAUTHENTICATED", "INVALID_CREDENTIALS"],
  changeUsername: ["UNAUTHENTICATED"],
  requestEmailChange: ["UNAUTHENTICATED", "INVALID_CREDENTIALS"],
  deleteAccount: ["UNAUTHENTICATED", "INVALID_CREDENTIALS"],
};

export class World {
  readonly #site: Site;
  /** The states that explain every answer so far. */
  #possible: readonly State[] = [NOTHING];
  readonly #links = new Map<number, string>();
  readonly #sessions = new Map<number, KnownSession>();
  #lastNumber = 0;
  /** What was done, and what was answered. */
  readonly #history: string[] = [];

  constructor(site: Site) {
    this.#site = site;
  }

  /** The numbers of the links that somebody holds: those that the operation takes first, of them the good ones; none if it takes none. */
  linksFor(name: Operation["name"]): readonly number[] {
    const state = this.#possible[0]!;
    const fits = (number: number) => TAKES[name]!.includes(state.links[number]?.kind ?? "registration");
    if (![...this.#links.keys()].some(fits)) return [];
    return ranked(this.#links, (number) => (fits(number) ? (isBound(state, number) ? 2 : 1) : 0));
  }

  /** The numbers of the sessions that somebody holds: those that last first, of them the newest. */
  sessions(): readonly number[] {
    return ranked(this.#sessions, (number) => (this.#possible[0]!.sessions[number] ? 1 : 0));
  }

  /** Whose session or link it is, or who is the likeliest to be logged in. */
  somebody({ session, link }: { session?: number | null; link?: number }): Account | undefined {
    const { accounts, links, owners } = this.#possible[0]!;
    const id = session == null ? link !== undefined && links[link]?.account : owners[session];
    const isOpen = ({ isActive, isDeactivated }: Account) => isActive && !isDeactivated;
    return accounts.find((account) => account.id === id) ?? accounts.findLast(isOpen) ?? accounts.at(-1);
  }

  nextNumber(): number {
    return (this.#lastNumber += 1);
  }
  refreshTokensOf(session: number): number {
    return this.#sessions.get(session)!.refreshTokens.length;
  }

  /** @throws {Error} if no state explains the answers */
  async take({ operations, crash }: Step): Promise<void> {
    const mailsBefore = this.#site.smtp.received.length;
    const asked = Promise.all(operations.map((operation) => this.#ask(operation)));
    if (crash) {
      await delay(crash.after); // a crash may come at any moment
      await this.#site.crash(crash.part, operations.length);
    }
    const outcomes = await asked;
    const answers = operations.map((operation, index) => `${JSON.stringify(operation)}: ${outcomes[index]}`);
    this.#history.push(answers.join("  beside  "));
    const explained = this.#possible.flatMap((state) => [...explain(state, operations, outcomes)]);
    if (explained.length === 0) throw new Error(this.#unexplained(operations));
    this.#possible = [...new Map(explained.map((state) => [JSON.stringify(state), state])).values()];
    await this.#collectMails(operations, outcomes, mailsBefore);
  }

  #unexplained(operations: readonly Operation[]): string {
    const expected = this.#possible.map((state) =>
      operations.map((operation) => apply(state, operation).outcome).join(", "),
    );
    return `No order of the last operations explains their answers:
${this.#history.join("\n")}
Alone, they would have answered:
${[...new Set(expected)].join("\n")}`;
  }

  async #ask(operation: Operation): Promise<Outcome> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#askOnce(operation, attempt);
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error; // of fetch, or half an answer
        // A server that has not taken the connection has done nothing, so another one is asked.
        if (codeOf(error.cause) !== "ECONNREFUSED") return LOST;
        await delay(A_WHILE_MS);
      }
    }
  }

  async #askOnce(operation: Operation, attempt: number): Promise<Outcome> {
    let answer = await this.#send(operation, attempt);
    if (answer.errors[0]?.extensions.code === "PASSWORD_REQUIRED" && ADMINISTERS.has(operation.name)) {
      await this.#site.confirmAdmin(operation.number + attempt);
      answer = await this.#send(operation, attempt);
    }
    const { code, id } = answer.errors[0]?.extensions ?? {};
    if (code === undefined) return this.#keep(operation, answer.data);
    if (code === "INTERNAL_SERVER_ERROR")
      throw new Error(`${JSON.stringify(operation)} met an unexpected error:
${this.#site.logged(id!)}`);
    if (code !== "SERVICE_UNAVAILABLE" && code !== "SERVER_BUSY") return code;
    await delay(A_WHILE_MS);
    return LOST;
  }

  #send(operation: Operation, attempt: number) {
    // An argument that is null is not given.
    const { number, link, session, name, ...given } = operation as Given;
    const known = session == null ? undefined : this.#sessions.get(session)!;
    const door = this.#site.door(number + attempt);
    if (ADMINISTERS.has(name)) return this.#site.adminDoor(number + attempt)[name]({ id: known!.userId });
    if (operation.name === "refreshSession")
      return door.refreshSession({ refreshToken: known!.refreshTokens[operation.token - 1]! });
    const values = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
    const by = known ? door.as(known.accessToken) : door;
    return by[name]({ ...values, ...(link !== undefined && { token: this.#links.get(link)! }) });
  }

  #keep(operation: Operation, data: unknown): Outcome {
    if (operation.name === "me") {
      const { username, email } = data as { username: string; email: string };
      return `OK ${username} ${email}`;
    }
    if (typeof data !== "object" || data === null || !("accessToken" in data)) return "OK";
    const { accessToken, refreshToken, user } = data as SignIn;
    if (operation.name !== "refreshSession") {
      this.#sessions.set(operation.number, { userId: user.id, accessToken, refreshTokens: [refreshToken] });
      return "OK";
    }
    const known = this.#sessions.get(operation.session)!;
    known.accessToken = accessToken;
    known.refreshTokens[operation.token] = refreshToken; // the same each time
    return "OK";
  }

  /** A mail that was asked for is waited for. One whose link would be dead by the time it is sent is not sent. */
  async #collectMails(
    operations: readonly Operation[],
    outcomes: readonly Outcome[],
    before: number,
  ): Promise<void> {
    const asking = operations.filter(
      ({ name }, index) => ASKS_FOR[name] && (outcomes[index] === "OK" || outcomes[index] === LOST),
    );
    if (asking.length === 0) return;
    await this.#site.mailsSettled();
    const mails = this.#site.smtp.received.slice(before);
    for (const operation of asking) {
      const subject = SUBJECTS[ASKS_FOR[operation.name]!];
      for (const address of this.#addressesOf(operation)) {
        // Of two after a crash, either.
        const mail = mails.findLast((mail) => isTo(mail, address, subject));
        if (mail) this.#links.set(operation.number, tokenIn(mail));
      }
      if (
        !this.#links.has(operation.number) &&
        this.#possible.every((state) => isBound(state, operation.number))
      )
        throw new Error(`No email came with the link of ${JSON.stringify(operation)}`);
    }
  }

  #addressesOf(operation: Operation): Set<string> {
    if ("email" in operation) return new Set([operation.email]);
    if ("newEmail" in operation) return new Set([operation.newEmail]);
    const undos = this.#possible.flatMap(({ links }) => links[operation.number]?.change?.to ?? []);
    return new Set(undos);
  }
}

/** Between two attempts while a server or the database is away. */
const A_WHILE_MS = 250;
const codeOf = (error: unknown) => (error as { code?: unknown } | undefined)?.code;

const ADMINISTERS: ReadonlySet<Operation["name"]> = new Set([
  "deactivateUser",
  "reactivateUser",
  "endUserSessions",
]);

type Given = { name: Operation["name"]; number: number; link?: number; session?: number | null } & Record<
  string,
  string | number | null
>;
interface SignIn {
  accessToken: string;
  refreshToken: string;
  user: { id: string };
}

function ranked(known: ReadonlyMap<number, unknown>, rank: (number: number) => number): readonly number[] {
  return [...known.keys()].reverse().sort((one, other) => rank(other) - rank(one));
}

/** Whether a link is bound to its account as it is. */
function isBound({ links, accounts }: State, number: number): boolean {
  const link = links[number];
  return (
    link !== undefined && accounts.some(({ id, version }) => id === link.account && version === link.version)
  );
}

const isTo = ({ recipients, mail }: ReceivedMail, address: string, subject: RegExp) =>
  recipients.includes(address.toLowerCase()) && subject.test(mail.subject ?? "");

/** The states in which the operations can have left the accounts, in whatever order they were done. */
function explain(state: State, operations: readonly Operation[], outcomes: readonly Outcome[]): State[] {
  const asked = operations.map((operation, index) => ({ operation, outcome: outcomes[index]! }));
  const mayHaveMet = (one: Asked) =>
    asked.some((other) => other !== one && (other.outcome.startsWith("OK") || other.outcome === LOST));
  return [...inAnyOrder(state, asked, mayHaveMet)];
}

interface Asked {
  readonly operation: Operation;
  readonly outcome: Outcome;
}

function* inAnyOrder(
  state: State,
  asked: readonly Asked[],
  mayHaveMet: (one: Asked) => boolean,
): Generator<State> {
  if (asked.length === 0) yield state;
  for (const one of asked) {
    const rest = asked.filter((other) => other !== one);
    const { operation, outcome } = one;
    const { outcome: expected, next } = apply(state, operation);
    if (outcome === LOST) {
      yield* inAnyOrder(lost(next, state, operation), rest, mayHaveMet);
      yield* inAnyOrder(state, rest, mayHaveMet);
    } else if (outcome === expected) yield* inAnyOrder(next, rest, mayHaveMet);
    else if (NOTHING_IN_A_RACE[operation.name]?.includes(outcome) && mayHaveMet(one)) {
      yield* inAnyOrder(state, rest, mayHaveMet);
      // A session that was opened meanwhile is ended, too, or not.
      if (operation.name === "logoutEverywhere")
        yield* inAnyOrder(withoutSessionsOf(state, operation.session), rest, mayHaveMet);
      // Its access token is good no more, but its refresh token was.
      if (operation.name === "logout")
        yield* inAnyOrder(withoutSession(state, operation.session), rest, mayHaveMet);
    }
  }
}

/** Nobody holds an access token that was not received; the refresh token of before gives another. */
function lost(next: State, before: State, operation: Operation): State {
  if (operation.name !== "refreshSession") return next;
  const [session, earlier] = [next.sessions[operation.session], before.sessions[operation.session]];
  if (!session || !earlier) return next;
  const sessions = { ...next.sessions, [operation.session]: { ...session, version: earlier.version } };
  return { ...next, sessions };
}
