// What each operation answers in each state of an account: the table of docs/accounts.md, tried cell by cell.
import { readFileSync } from "node:fs";

import { beforeAll, describe, expect, onTestFinished, test } from "vitest";

import {
  ACCOUNT_STATES,
  ANSWERS,
  stateOf,
  WHERE_ACTIVE,
  whereLapsed,
  type AccountState,
  type Operation,
} from "../../../src/accounts/model/account-state.ts";
import { User } from "../../../src/accounts/model/user.entity.ts";
import { connectOrm } from "../../../src/database/orm.ts";
import type { Answer } from "../../support/graphql.ts";
import {
  PASSWORD,
  sharedServer,
  startServer,
  type ActivePerson,
  type TestServer,
} from "../../support/server.ts";

const STATES = Object.keys(ACCOUNT_STATES) as AccountState[];
const OPERATIONS = Object.keys(ANSWERS) as Operation[];
const CELLS = OPERATIONS.flatMap((operation) => STATES.map((state) => ({ operation, state })));

/** An account in some state, with what it was given before. */
interface Subject {
  readonly username: string;
  readonly email: string;
  readonly id: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** A confirmation link that has not been used. */
  readonly confirmation: string;
}

const sql = {
  expire: "update accounts.users set confirmation_expires_at = now() - interval '1 minute' where id = $1",
  erase: "update accounts.users set erase_at = now() - interval '1 minute' where id = $1",
};

async function register(server: TestServer, username: string): Promise<Subject> {
  const { email } = await server.registerPerson(username);
  const confirmation = await server.confirmationToken(email);
  const [row] = await server.query<{ id: string }>("select id from accounts.users where email = $1", [email]);
  // What only an active account gets does not exist yet; the link stands for it.
  return {
    username,
    email,
    id: row!.id,
    accessToken: confirmation,
    refreshToken: confirmation,
    confirmation,
  };
}

async function activate(server: TestServer, pending: Subject): Promise<Subject> {
  server.succeed(await server.resendRegistration(pending));
  const token = await server.confirmationToken(pending.email, 2);
  const { accessToken, refreshToken } = server.succeed(await server.finalizeRegistration({ token }));
  return { ...pending, accessToken, refreshToken: refreshToken! };
}

/** Takes an active account on to another state. */
async function moveTo(state: AccountState, server: TestServer, root: ActivePerson, subject: Subject) {
  const { id, accessToken } = subject;
  if (state === "deactivated") server.succeed(await server.as(root.accessToken).deactivateUser({ id }));
  if (state === "deleted" || state === "erased")
    server.succeed(await server.as(accessToken).deleteAccount({ password: PASSWORD }));
  if (state === "erased") await server.query(sql.erase, [id]);
}

/**
 * Makes an account of the state and the attempt of the operation on it. What the operation needs is asked for while the account
 * is active, but the reset of a deleted account, which is asked for once it is deleted: a deletion voids older links.
 */
const ATTEMPTS: Record<
  Operation,
  (server: TestServer, subject: Subject, root: ActivePerson) => Promise<() => Promise<Answer<unknown>>>
> = {
  register: (server, { email, username }) =>
    Promise.resolve(() => server.register({ username: `${username}-2`, email, password: PASSWORD })),
  finalizeRegistration: (server, { confirmation }) =>
    Promise.resolve(() => server.finalizeRegistration({ token: confirmation })),
  resendRegistration: (server, { email }) => Promise.resolve(() => server.resendRegistration({ email })),
  login: (server, { username }) => Promise.resolve(() => server.login({ username, password: PASSWORD })),
  requestReset: (server, { email }) => Promise.resolve(() => server.requestReset({ email })),
  finalizeReset: async (server, { email, confirmation }) => {
    const isConfirmed = (await server.requestReset({ email })).errors.length === 0;
    const token = isConfirmed ? await server.resetToken(email) : confirmation;
    return () => server.finalizeReset({ token, password: "an even better battery" });
  },
  finalizeEmailChange: async (server, subject) => {
    const isConfirmed = subject.accessToken !== subject.confirmation;
    const token = isConfirmed
      ? await server.askForEmailChange(subject, `new-${subject.email}`)
      : subject.confirmation;
    return () => server.finalizeEmailChange({ token, password: PASSWORD });
  },
  undoEmailChange: async (server, subject) => {
    const isConfirmed = subject.accessToken !== subject.confirmation;
    const token = isConfirmed ? await server.undoToken(subject.email) : subject.confirmation;
    return () => server.finalizeEmailChange({ token });
  },
  refreshSession: (server, { refreshToken }) =>
    Promise.resolve(() => server.refreshSession({ refreshToken })),
  authenticate: (server, { accessToken }) => Promise.resolve(() => server.as(accessToken).me()),
  administer: (server, { id }, root) =>
    Promise.resolve(() => server.as(root.accessToken).setUserRoles({ id, roles: ["USER"] })),
};

describe("in each state of an account, each operation answers as the table says:", () => {
  const shared = sharedServer();
  let root: ActivePerson;
  beforeAll(async () => {
    root = await shared().admin();
  });

  test.each(CELLS)("$operation of an account that is $state", async ({ operation, state }) => {
    const server = shared();
    let subject = await register(server, `${operation.slice(0, 16)}.${state}`);
    const prepare = () => ATTEMPTS[operation](server, subject, root);
    let attempt: () => Promise<Answer<unknown>>;
    if (state === "pending" || state === "expired") {
      if (state === "expired") await server.query(sql.expire, [subject.id]);
      attempt = await prepare();
    } else {
      subject = await activate(server, subject);
      if (operation === "undoEmailChange") {
        const changed = await server.changeEmail(subject, `new-${subject.email}`);
        subject = { ...subject, accessToken: changed.accessToken };
      }
      const isAskedAfterwards = operation === "finalizeReset" && state === "deleted";
      if (isAskedAfterwards) await moveTo(state, server, root, subject);
      attempt = await prepare();
      if (!isAskedAfterwards) await moveTo(state, server, root, subject);
    }

    const answer = await attempt();

    const expected = ANSWERS[operation][state];
    if (expected === "OK" || expected === "RESTORED") server.succeed(answer);
    else server.refuse(answer, expected);
    if (expected === "RESTORED") {
      const [row] = await server.query("select erase_at from accounts.users where id = $1", [subject.id]);
      expect(row).toEqual({ erase_at: null });
    }
  });
});

test("docs/accounts.md shows the table", () => {
  const [table] = /^\| operation [^]*?(?=\n\n)/m.exec(readFileSync("docs/accounts.md", "utf8")) ?? [""];
  const [header = [], , ...rows] = table.split("\n").map((line) =>
    line
      .replaceAll("`", "")
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const [, ...states] = header;
  const shown = rows.map(([operation, ...cells]) => [
    operation,
    Object.fromEntries(states.map((state, index) => [state, cells[index]])),
  ]);
  expect(Object.fromEntries(shown)).toEqual(ANSWERS);
});

test("the filters of queries find the accounts whose state they name", async () => {
  const server = await startServer();
  const root = await server.admin();
  for (const state of STATES) {
    const subject = await register(server, `is.${state}`);
    if (state === "expired") await server.query(sql.expire, [subject.id]);
    if (state !== "pending" && state !== "expired")
      await moveTo(state, server, root, await activate(server, subject));
  }
  const orm = await connectOrm(server.databaseUrl, "long work");
  onTestFinished(() => orm.close());
  const em = orm.em.fork();
  const now = new Date();
  const users = await em.find(User, { username: { $like: "is.%" } });
  expect(users.map((user) => [user.username, stateOf(user, now)]).sort()).toEqual(
    STATES.map((state) => [`is.${state}`, state]).sort(),
  );
  const named = async (where: object) => (await em.find(User, where)).map(({ username }) => username).sort();
  expect(await named(WHERE_ACTIVE)).toEqual(["is.active", "root"]);
  expect(await named(whereLapsed(now))).toEqual(["is.expired"]);
});
