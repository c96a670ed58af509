// Every expected failure of the contract: its code, what it says of the arguments, and that nothing has changed.
import { assertEnumType, getNamedType, GraphQLID, GraphQLString, isEnumType } from "graphql";
import { beforeAll, describe, expect, test } from "vitest";

import { listedCodes, schema, type Answer, type OperationName } from "../support/graphql.ts";
import {
  PASSWORD,
  sharedServer,
  startServer,
  type ActivePerson,
  type TestServer,
} from "../support/server.ts";

interface Refusal {
  readonly attempt: () => Promise<Answer<unknown>>;
  readonly message: RegExp;
  /** `extensions.field`, for most the argument at fault. */
  readonly field?: string;
  /** The `field` of each of `extensions.fields`. */
  readonly fields?: string[];
  /** What the refusal changes of somebody. */
  readonly changes?: { readonly username: string; readonly to: object };
}

interface Scenario {
  readonly operation: string;
  readonly code: string;
  readonly when: string;
  /** Prepares everything but the attempt itself, around people whose names begin with `name`. */
  readonly prepare: (server: TestServer, name: string) => Promise<Refusal> | Refusal;
}

const NEW_PASSWORD = "a new battery staple";
const UNKNOWN_EMAIL = "nobody@example.com";
const WRONG_PASSWORD = "wrong horse battery";
const UNKNOWN_ID = "00000000-0000-4000-8000-000000000000";
/** A good value for every argument that some operation requires; `id` and `userId` depend on the test. */
const FIT = {
  username: "ada",
  email: "ada@example.com",
  newEmail: "new-ada@example.com",
  password: PASSWORD,
  currentPassword: PASSWORD,
  newPassword: NEW_PASSWORD,
  token: "no.token.atall",
  refreshToken: "no token at all",
  roles: ["USER"],
};

const register: Scenario[] = [
  ...["the same letters", "crossed case"].map((spelling) => ({
    operation: "register",
    code: "USERNAME_TAKEN",
    when: `an active account has the username in ${spelling}`,
    prepare: async (server: TestServer, name: string) => {
      await server.activePerson(name);
      const username = spelling === "crossed case" ? name.toUpperCase() : name;
      return {
        attempt: () => server.register({ username, email: `other-${name}@example.com`, password: PASSWORD }),
        message: new RegExp(`username ${username} is taken`),
        field: "username",
      };
    },
  })),
  {
    operation: "register",
    code: "USERNAME_TAKEN",
    when: "an account that waits for its confirmation has the username",
    prepare: async (server, name) => {
      await server.registerPerson(name);
      return {
        attempt: () =>
          server.register({ username: name, email: `other-${name}@example.com`, password: PASSWORD }),
        message: new RegExp(`username ${name} is taken`),
        field: "username",
      };
    },
  },
  {
    operation: "register",
    code: "EMAIL_TAKEN",
    when: "an active account has the address",
    prepare: async (server, name) => {
      await server.activePerson(name);
      return {
        attempt: () =>
          server.register({
            username: `other-${name}`,
            email: `${name}@example.com`.toUpperCase(),
            password: PASSWORD,
          }),
        message: new RegExp(`${name}@example\\.com already exists. Log in`, "i"),
        field: "email",
      };
    },
  },
  {
    operation: "register",
    code: "EMAIL_TAKEN",
    when: "an account that waits for its confirmation has the address",
    prepare: async (server, name) => {
      const { email } = await server.registerPerson(name);
      return {
        attempt: () => server.register({ username: `other-${name}`, email, password: PASSWORD }),
        message: new RegExp(`${name}@example\\.com is waiting for confirmation.*resendRegistration`),
        field: "email",
        changes: { username: name, to: { is_contested: true } },
      };
    },
  },
  {
    operation: "register",
    code: "BAD_USER_INPUT",
    when: "the username is reserved, in crossed case",
    prepare: (server, name) => ({
      attempt: () =>
        server.register({ username: "Support", email: `${name}@example.com`, password: PASSWORD }),
      message: /^username: Support is reserved/,
      field: "username",
      fields: ["username"],
    }),
  },
  ...(["username", "email"] as const).map((field) => ({
    operation: "register",
    code: "BAD_USER_INPUT",
    when: `the ${field} is malformed`,
    prepare: (server: TestServer, name: string) => {
      const args = { username: name, email: `${name}@example.com`, password: PASSWORD };
      return {
        attempt: () => server.register({ ...args, [field]: "no good" }),
        message: new RegExp(`^${field}: `),
        field,
        fields: [field],
      };
    },
  })),
  {
    operation: "register",
    code: "BAD_USER_INPUT",
    when: "every argument is malformed",
    prepare: (server) => ({
      attempt: () => server.register({ username: "no", email: "no", password: "no\0" }),
      message: /^username: .* email: .* password: .*NUL/,
      field: "username",
      fields: ["username", "email", "password"],
    }),
  },
];

/** Passwords that nobody may have, for somebody called `name` at `name@example.com`. */
const weakPasswords: { when: string; password: (name: string) => string; message: RegExp }[] = [
  { when: "the password is empty", password: () => "", message: /at least 8 characters/ },
  { when: "the password has 7 characters", password: () => "x7$kQ.z", message: /at least 8 characters/ },
  {
    when: "the password has 7 characters of two UTF-16 units each",
    password: () => "🦊🐢🦉🐙🦀🐝🦋",
    message: /at least 8 characters/,
  },
  {
    when: "the password has 129 characters",
    password: () => "long".repeat(32) + "!",
    message: /at most 128 characters/,
  },
  {
    when: "the password has 129 characters of two UTF-16 units each",
    password: () => "🦊".repeat(129),
    message: /at most 128 characters/,
  },
  { when: "the password is a common one", password: () => "password1", message: /too common/ },
  {
    when: "the password is a common one in crossed case",
    password: () => "QwertyUIOP",
    message: /too common/,
  },
  { when: "the password is the username", password: (name) => name, message: /username/ },
  {
    when: "the password is the username in crossed case",
    password: (name) => name.toUpperCase(),
    message: /username/,
  },
  {
    when: "the password is the address in crossed case",
    password: (name) => `${name}@EXAMPLE.com`,
    message: /email/,
  },
];

const weakAtRegister: Scenario[] = weakPasswords.map(({ when, password, message }) => ({
  operation: "register",
  code: "WEAK_PASSWORD",
  when,
  prepare: (server, name) => ({
    attempt: () =>
      server.register({ username: name, email: `${name}@example.com`, password: password(name) }),
    message,
    field: "password",
  }),
}));

/** Tokens that are good for nothing. */
const badTokens: { when: string; token: string | null | undefined }[] = [
  { when: "there is no token", token: undefined },
  { when: "the token is null", token: null },
  { when: "the token is empty", token: "" },
  { when: "the token is a space", token: " " },
  { when: "the token is no token", token: "no.token.atall" },
];

async function deactivate(
  server: TestServer,
  { username, id }: Pick<ActivePerson, "username" | "id">,
): Promise<void> {
  const admin = await server.admin(`admin-${username}`);
  server.succeed(await server.as(admin.accessToken).deactivateUser({ id }));
}

const finalizeRegistration: Scenario[] = [
  {
    operation: "finalizeRegistration",
    code: "BAD_USER_INPUT",
    when: "the token holds a NUL",
    prepare: (server) => ({
      attempt: () => server.finalizeRegistration({ token: "to\0ken" }),
      message: /^token: .*NUL/,
      field: "token",
      fields: ["token"],
    }),
  },
  ...badTokens.map(({ when, token }) => ({
    operation: "finalizeRegistration",
    code: "INVALID_TOKEN",
    when,
    prepare: (server: TestServer) => ({
      attempt: () => server.finalizeRegistration(token === undefined ? {} : { token }),
      message: /link is not valid/,
      field: "token",
    }),
  })),
  {
    operation: "finalizeRegistration",
    code: "INVALID_TOKEN",
    when: "the link was used already",
    prepare: async (server, name) => {
      const { email } = await server.activePerson(name);
      const token = await server.confirmationToken(email);
      return {
        attempt: () => server.finalizeRegistration({ token }),
        message: /link is not valid.*already used/,
        field: "token",
      };
    },
  },
  {
    operation: "finalizeRegistration",
    code: "INVALID_TOKEN",
    when: "the link was used already and there is a password",
    prepare: async (server, name) => {
      const { email } = await server.activePerson(name);
      const token = await server.confirmationToken(email);
      return {
        attempt: () => server.finalizeRegistration({ token, password: NEW_PASSWORD }),
        message: /link is not valid.*already used/,
        field: "token",
      };
    },
  },
  {
    operation: "finalizeRegistration",
    code: "PASSWORD_REQUIRED",
    when: "somebody else has tried to register the address, too",
    prepare: async (server, name) => {
      const { email } = await server.registerPerson(name);
      await server.register({ username: `other-${name}`, email, password: NEW_PASSWORD });
      const token = await server.confirmationToken(email);
      return {
        attempt: () => server.finalizeRegistration({ token }),
        message: /Choose the account's password/,
        field: "password",
      };
    },
  },
  ...weakPasswords.map(({ when, password, message }) => ({
    operation: "finalizeRegistration",
    code: "WEAK_PASSWORD",
    when,
    prepare: async (server: TestServer, name: string) => {
      const { email } = await server.registerPerson(name);
      const token = await server.confirmationToken(email);
      return {
        attempt: () => server.finalizeRegistration({ token, password: password(name) }),
        message,
        field: "password",
      };
    },
  })),
];

const pendingAccount: Scenario[] = [
  {
    operation: "pendingAccount",
    code: "BAD_USER_INPUT",
    when: "the token holds a NUL",
    prepare: (server) => ({
      attempt: () => server.pendingAccount({ token: "to\0ken" }),
      message: /^token: .*NUL/,
      field: "token",
      fields: ["token"],
    }),
  },
  ...["", "no.token.atall"].map((token) => ({
    operation: "pendingAccount",
    code: "INVALID_TOKEN",
    when: `the token is "${token}"`,
    prepare: (server: TestServer) => ({
      attempt: () => server.pendingAccount({ token }),
      message: /link is not valid/,
      field: "token",
    }),
  })),
  {
    operation: "pendingAccount",
    code: "INVALID_TOKEN",
    when: "the link was used already",
    prepare: async (server, name) => {
      const { email } = await server.activePerson(name);
      const token = await server.confirmationToken(email);
      return {
        attempt: () => server.pendingAccount({ token }),
        message: /link is not valid.*already used/,
        field: "token",
      };
    },
  },
];

const resendRegistration: Scenario[] = [
  {
    operation: "resendRegistration",
    code: "BAD_USER_INPUT",
    when: "the address is malformed",
    prepare: (server) => ({
      attempt: () => server.resendRegistration({ email: "nobody" }),
      message: /^email: /,
      field: "email",
      fields: ["email"],
    }),
  },
  {
    operation: "resendRegistration",
    code: "EMAIL_NOT_FOUND",
    when: "no account has the address",
    prepare: (server) => ({
      attempt: () => server.resendRegistration({ email: UNKNOWN_EMAIL }),
      message: /No account has the email address nobody@example\.com/,
      field: "email",
    }),
  },
  {
    operation: "resendRegistration",
    code: "ALREADY_ACTIVATED",
    when: "the account is active",
    prepare: async (server, name) => {
      const { email } = await server.activePerson(name);
      return {
        attempt: () => server.resendRegistration({ email }),
        message: new RegExp(`${email} is already confirmed. Log in`),
        field: "email",
      };
    },
  },
  ...(["active", "pending"] as const).map((state) => ({
    operation: "resendRegistration",
    code: "ACCOUNT_DEACTIVATED",
    when: `an administrator has deactivated the account, which was ${state}`,
    prepare: async (server: TestServer, name: string) => {
      const { email } = await (state === "active" ? server.activePerson(name) : server.registerPerson(name));
      const [row] = await server.query<{ id: string }>("select id from accounts.users where email = $1", [
        email,
      ]);
      await deactivate(server, { username: name, id: row!.id });
      return {
        attempt: () => server.resendRegistration({ email }),
        message: /administrator has deactivated this account/,
        field: "email",
      };
    },
  })),
];

const login: Scenario[] = [
  {
    operation: "login",
    code: "BAD_USER_INPUT",
    when: "both arguments hold a NUL",
    prepare: (server) => ({
      attempt: () => server.login({ username: "na\0me", password: "pass\0word" }),
      message: /^username: .*NUL.* password: .*NUL/,
      field: "username",
      fields: ["username", "password"],
    }),
  },
  ...[
    { when: "no account has the username", name: (name: string) => `${name}-not`, password: PASSWORD },
    { when: "no account has the address", name: () => UNKNOWN_EMAIL, password: PASSWORD },
    { when: "the name is empty", name: () => "", password: PASSWORD },
    { when: "the name could be no username", name: () => "' or true --", password: PASSWORD },
    { when: "the password is wrong", name: (name: string) => name, password: WRONG_PASSWORD },
    { when: "the password is empty", name: (name: string) => name, password: "" },
    { when: "the password is over-long", name: (name: string) => name, password: PASSWORD.repeat(100) },
    {
      when: "the password is in crossed case",
      name: (name: string) => name,
      password: PASSWORD.toUpperCase(),
    },
    { when: "the password has a space too many", name: (name: string) => name, password: `${PASSWORD} ` },
  ].map(({ when, name: loginName, password }) => ({
    operation: "login",
    code: "INVALID_CREDENTIALS",
    when,
    prepare: async (server: TestServer, name: string) => {
      await server.activePerson(name);
      return {
        attempt: () => server.login({ username: loginName(name), password }),
        message: /^Unknown user or wrong password\.$/,
      };
    },
  })),
  {
    operation: "login",
    code: "INVALID_CREDENTIALS",
    when: "the password of an account that waits for its confirmation is wrong",
    prepare: async (server, name) => {
      await server.registerPerson(name);
      return {
        attempt: () => server.login({ username: name, password: WRONG_PASSWORD }),
        message: /^Unknown user or wrong password\.$/,
      };
    },
  },
  {
    operation: "login",
    code: "ACCOUNT_DEACTIVATED",
    when: "the right password comes after an administrator has deactivated the account",
    prepare: async (server, name) => {
      const person = await server.activePerson(name);
      await deactivate(server, person);
      return {
        attempt: () => server.login({ username: name, password: PASSWORD }),
        message: /administrator has deactivated this account/,
        field: "username",
      };
    },
  },
  {
    operation: "login",
    code: "INVALID_CREDENTIALS",
    when: "the password of a deactivated account is wrong",
    prepare: async (server, name) => {
      await deactivate(server, await server.activePerson(name));
      return {
        attempt: () => server.login({ username: name, password: WRONG_PASSWORD }),
        message: /^Unknown user or wrong password\.$/,
      };
    },
  },
  ...["username", "address"].map((what) => ({
    operation: "login",
    code: "ACCOUNT_NOT_ACTIVATED",
    when: `the right password comes before confirmation, with the ${what}`,
    prepare: async (server: TestServer, name: string) => {
      const { username, email } = await server.registerPerson(name);
      return {
        attempt: () => server.login({ username: what === "username" ? username : email, password: PASSWORD }),
        message: new RegExp(`${name} is not confirmed`),
        field: "username",
      };
    },
  })),
];

const requestReset: Scenario[] = [
  {
    operation: "requestReset",
    code: "ACCOUNT_DEACTIVATED",
    when: "an administrator has deactivated the account",
    prepare: async (server, name) => {
      const person = await server.activePerson(name);
      await deactivate(server, person);
      return {
        attempt: () => server.requestReset({ email: person.email }),
        message: /administrator has deactivated this account/,
        field: "email",
      };
    },
  },
  {
    operation: "requestReset",
    code: "BAD_USER_INPUT",
    when: "the address is malformed",
    prepare: (server) => ({
      attempt: () => server.requestReset({ email: "nobody" }),
      message: /^email: /,
      field: "email",
      fields: ["email"],
    }),
  },
  {
    operation: "requestReset",
    code: "EMAIL_NOT_FOUND",
    when: "no account has the address",
    prepare: (server) => ({
      attempt: () => server.requestReset({ email: UNKNOWN_EMAIL }),
      message: /No account has the email address nobody@example\.com/,
      field: "email",
    }),
  },
  {
    operation: "requestReset",
    code: "ACCOUNT_NOT_ACTIVATED",
    when: "the account waits for its confirmation",
    prepare: async (server, name) => {
      const { email } = await server.registerPerson(name);
      return {
        attempt: () => server.requestReset({ email }),
        message: new RegExp(`${email} is not confirmed`),
        field: "email",
      };
    },
  },
];

const finalizeReset: Scenario[] = [
  {
    operation: "finalizeReset",
    code: "BAD_USER_INPUT",
    when: "both arguments hold half a character",
    prepare: (server) => ({
      attempt: () => server.finalizeReset({ token: "\ud800", password: "half a \udc00 character" }),
      message: /^token: .*surrogate.* password: .*surrogate/,
      field: "token",
      fields: ["token", "password"],
    }),
  },
  ...badTokens.map(({ when, token }) => ({
    operation: "finalizeReset",
    code: "INVALID_TOKEN",
    when,
    prepare: (server: TestServer) => ({
      attempt: () => server.finalizeReset({ ...(token !== undefined && { token }), password: NEW_PASSWORD }),
      message: /link is not valid/,
      field: "token",
    }),
  })),
  {
    operation: "finalizeReset",
    code: "INVALID_TOKEN",
    when: "the token is bad and the password too short",
    prepare: (server) => ({
      attempt: () => server.finalizeReset({ token: "no.token.atall", password: "short" }),
      message: /link is not valid/,
      field: "token",
    }),
  },
  {
    operation: "finalizeReset",
    code: "INVALID_TOKEN",
    when: "the link was used already",
    prepare: async (server, name) => {
      const { email } = await server.activePerson(name);
      const token = await server.askForReset(email);
      server.succeed(await server.finalizeReset({ token, password: NEW_PASSWORD }));
      return {
        attempt: () => server.finalizeReset({ token, password: "yet another staple" }),
        message: /link is not valid.*already used/,
        field: "token",
      };
    },
  },
  ...weakPasswords.map(({ when, password, message }) => ({
    operation: "finalizeReset",
    code: "WEAK_PASSWORD",
    when,
    prepare: async (server: TestServer, name: string) => {
      const { email } = await server.activePerson(name);
      const token = await server.askForReset(email);
      return {
        attempt: () => server.finalizeReset({ token, password: password(name) }),
        message,
        field: "password",
      };
    },
  })),
];

const refreshSession: Scenario[] = [
  {
    operation: "refreshSession",
    code: "BAD_USER_INPUT",
    when: "the token holds a NUL",
    prepare: (server) => ({
      attempt: () => server.refreshSession({ refreshToken: "to\0ken" }),
      message: /^refreshToken: .*NUL/,
      field: "refreshToken",
      fields: ["refreshToken"],
    }),
  },
  ...badTokens.map(({ when, token }) => ({
    operation: "refreshSession",
    code: "INVALID_TOKEN",
    when,
    prepare: (server: TestServer) => ({
      attempt: () => server.refreshSession(token === undefined ? {} : { refreshToken: token }),
      message: /refresh token is not valid\. Log in/,
      field: "refreshToken",
    }),
  })),
  ...[
    { when: "the token is an access token", token: (person: ActivePerson) => person.accessToken },
    {
      when: "the token is in crossed case",
      token: ({ refreshToken }: ActivePerson) =>
        refreshToken.replace(/[a-z]/gi, (letter) =>
          letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
        ),
    },
    { when: "the token has a space too many", token: (person: ActivePerson) => `${person.refreshToken} ` },
  ].map(({ when, token }) => ({
    operation: "refreshSession",
    code: "INVALID_TOKEN",
    when,
    prepare: async (server: TestServer, name: string) => {
      const person = await server.activePerson(name);
      return {
        attempt: () => server.refreshSession({ refreshToken: token(person) }),
        message: /refresh token is not valid\. Log in/,
        field: "refreshToken",
      };
    },
  })),
  {
    operation: "refreshSession",
    code: "INVALID_TOKEN",
    when: "the session was ended by logging out",
    prepare: async (server, name) => {
      const { accessToken, refreshToken } = await server.activePerson(name);
      server.succeed(await server.as(accessToken).logout());
      return {
        attempt: () => server.refreshSession({ refreshToken }),
        message: /refresh token is not valid\. Log in/,
        field: "refreshToken",
      };
    },
  },
];

const revokeSession: Scenario[] = [
  ...["an unknown session", "no session at all", ""].map((id) => ({
    operation: "revokeSession",
    code: "NOT_FOUND",
    when: `the id is that of "${id}"`,
    prepare: async (server: TestServer, name: string) => {
      const { accessToken } = await server.activePerson(name);
      return {
        attempt: () =>
          server.as(accessToken).revokeSession({ id: id === "an unknown session" ? UNKNOWN_ID : id }),
        message: /No user or session has the ID/,
        field: "id",
      };
    },
  })),
  {
    operation: "revokeSession",
    code: "NOT_FOUND",
    when: "the session is somebody else's",
    prepare: async (server, name) => {
      const { accessToken } = await server.activePerson(name);
      const other = await server.activePerson(`other-${name}`);
      const [session] = server.succeed(await server.as(other.accessToken).sessions());
      return {
        attempt: () => server.as(accessToken).revokeSession({ id: session!.id }),
        message: new RegExp(`No user or session has the ID "${session!.id}"`),
        field: "id",
      };
    },
  },
];

/** What has to be confirmed with the password of now. */
const confirmed: {
  operation: string;
  field: string;
  call: (server: TestServer, person: ActivePerson, password: string) => Promise<Answer<unknown>>;
}[] = [
  {
    operation: "changePassword",
    field: "currentPassword",
    call: (server, { accessToken }, currentPassword) =>
      server.as(accessToken).changePassword({ currentPassword, newPassword: NEW_PASSWORD }),
  },
  {
    operation: "requestEmailChange",
    field: "password",
    call: (server, { accessToken, email }, password) =>
      server.as(accessToken).requestEmailChange({ newEmail: `new-${email}`, password }),
  },
  {
    operation: "deleteAccount",
    field: "password",
    call: (server, { accessToken }, password) => server.as(accessToken).deleteAccount({ password }),
  },
  {
    operation: "exportAccount",
    field: "password",
    call: (server, { accessToken }, password) => server.as(accessToken).exportAccount({ password }),
  },
  {
    operation: "endEmailChangeUndo",
    field: "password",
    call: (server, { accessToken }, password) => server.as(accessToken).endEmailChangeUndo({ password }),
  },
  {
    operation: "confirmPassword",
    field: "password",
    call: (server, { accessToken }, password) => server.as(accessToken).confirmPassword({ password }),
  },
];
const unconfirmed: Scenario[] = confirmed.flatMap(({ operation, field, call }) => [
  ...[
    { when: "the password is wrong", password: WRONG_PASSWORD },
    { when: "the password is empty", password: "" },
    { when: "the password is over-long", password: PASSWORD.repeat(100) },
  ].map(({ when, password }) => ({
    operation,
    code: "INVALID_CREDENTIALS",
    when,
    prepare: async (server: TestServer, name: string) => {
      const person = await server.activePerson(name);
      return { attempt: () => call(server, person, password), message: /^Incorrect password\.$/, field };
    },
  })),
  {
    operation,
    code: "BAD_USER_INPUT",
    when: "the password holds a NUL",
    prepare: async (server, name) => {
      const person = await server.activePerson(name);
      return {
        attempt: () => call(server, person, "pass\0word"),
        message: new RegExp(`^${field}: .*NUL`),
        field,
        fields: [field],
      };
    },
  },
]);

const changePassword: Scenario[] = [
  ...weakPasswords.map(({ when, password, message }) => ({
    operation: "changePassword",
    code: "WEAK_PASSWORD",
    when,
    prepare: async (server: TestServer, name: string) => {
      const { accessToken } = await server.activePerson(name);
      const args = { currentPassword: PASSWORD, newPassword: password(name) };
      return {
        attempt: () => server.as(accessToken).changePassword(args),
        message,
        field: "newPassword",
      };
    },
  })),
  {
    operation: "changePassword",
    code: "BAD_USER_INPUT",
    when: "both passwords hold half a character",
    prepare: async (server, name) => {
      const { accessToken } = await server.activePerson(name);
      return {
        attempt: () =>
          server
            .as(accessToken)
            .changePassword({ currentPassword: "\ud800", newPassword: "a new \udc00 one" }),
        message: /^currentPassword: .*surrogate.* newPassword: .*surrogate/,
        field: "currentPassword",
        fields: ["currentPassword", "newPassword"],
      };
    },
  },
];

/** Prepares an attempt of a new person to change the address to one that `holder` makes a taken one. */
const toTakenAddress =
  (holder: (server: TestServer, name: string) => Promise<{ email: string }>) =>
  async (server: TestServer, name: string) => {
    const { accessToken } = await server.activePerson(name);
    const { email } = await holder(server, `other-${name}`);
    const newEmail = email.toUpperCase();
    return {
      attempt: () => server.as(accessToken).requestEmailChange({ newEmail, password: PASSWORD }),
      message: new RegExp(`email address ${newEmail} already exists`),
      field: "newEmail",
    };
  };

const requestEmailChange: Scenario[] = [
  {
    operation: "requestEmailChange",
    code: "BAD_USER_INPUT",
    when: "the address is malformed",
    prepare: async (server, name) => {
      const { accessToken } = await server.activePerson(name);
      return {
        attempt: () => server.as(accessToken).requestEmailChange({ newEmail: "nobody", password: PASSWORD }),
        message: /^newEmail: /,
        field: "newEmail",
        fields: ["newEmail"],
      };
    },
  },
  {
    operation: "requestEmailChange",
    code: "EMAIL_TAKEN",
    when: "an active account has the address",
    prepare: toTakenAddress((server, name) => server.activePerson(name)),
  },
  {
    operation: "requestEmailChange",
    code: "EMAIL_TAKEN",
    when: "an account that waits for its confirmation has the address",
    prepare: toTakenAddress((server, name) => server.registerPerson(name)),
  },
];

const finalizeEmailChange: Scenario[] = [
  {
    operation: "finalizeEmailChange",
    code: "BAD_USER_INPUT",
    when: "the token holds a NUL",
    prepare: (server) => ({
      attempt: () => server.finalizeEmailChange({ token: "to\0ken" }),
      message: /^token: .*NUL/,
      field: "token",
      fields: ["token"],
    }),
  },
  ...badTokens.map(({ when, token }) => ({
    operation: "finalizeEmailChange",
    code: "INVALID_TOKEN",
    when,
    prepare: (server: TestServer) => ({
      attempt: () => server.finalizeEmailChange(token === undefined ? {} : { token }),
      message: /link is not valid/,
      field: "token",
    }),
  })),
  {
    operation: "finalizeEmailChange",
    code: "INVALID_TOKEN",
    when: "the link was used already",
    prepare: async (server, name) => {
      const person = await server.activePerson(name);
      const token = await server.askForEmailChange(person, `new-${person.email}`);
      server.succeed(await server.finalizeEmailChange({ token, password: PASSWORD }));
      return {
        attempt: () => server.finalizeEmailChange({ token, password: PASSWORD }),
        message: /link is not valid.*already used/,
        field: "token",
      };
    },
  },
  ...[
    { when: "nobody is signed in and there is no password", isSignedIn: false },
    { when: "somebody else is signed in and there is no password", isSignedIn: true },
  ].map(({ when, isSignedIn }) => ({
    operation: "finalizeEmailChange",
    code: "PASSWORD_REQUIRED",
    when,
    prepare: async (server: TestServer, name: string) => {
      const person = await server.activePerson(name);
      const token = await server.askForEmailChange(person, `new-${person.email}`);
      const door = isSignedIn ? server.as((await server.activePerson(`other-${name}`)).accessToken) : server;
      return {
        attempt: () => door.finalizeEmailChange({ token }),
        message: /^Log in to the account that asked for this change, or give its password\.$/,
        field: "password",
      };
    },
  })),
  {
    operation: "finalizeEmailChange",
    code: "INVALID_CREDENTIALS",
    when: "the password is wrong",
    prepare: async (server, name) => {
      const person = await server.activePerson(name);
      const token = await server.askForEmailChange(person, `new-${person.email}`);
      return {
        attempt: () => server.finalizeEmailChange({ token, password: WRONG_PASSWORD }),
        message: /^Incorrect password\.$/,
        field: "password",
      };
    },
  },
  {
    operation: "finalizeEmailChange",
    code: "EMAIL_TAKEN",
    when: "another account has confirmed the address since the link was mailed",
    prepare: async (server, name) => {
      const person = await server.activePerson(name);
      const newEmail = `new-${person.email}`;
      const token = await server.askForEmailChange(person, newEmail);
      await server.activePerson(`other-${name}`, newEmail);
      return {
        attempt: () => server.finalizeEmailChange({ token, password: PASSWORD }),
        message: new RegExp(`email address ${newEmail} already exists`),
        field: "token",
      };
    },
  },
];

const changeUsername: Scenario[] = [
  {
    operation: "changeUsername",
    code: "BAD_USER_INPUT",
    when: "the username is malformed",
    prepare: async (server, name) => {
      const { accessToken } = await server.activePerson(name);
      return {
        attempt: () => server.as(accessToken).changeUsername({ username: "no good" }),
        message: /^username: /,
        field: "username",
        fields: ["username"],
      };
    },
  },
  {
    operation: "changeUsername",
    code: "USERNAME_TAKEN",
    when: "another user gave it up a moment ago",
    prepare: async (server, name) => {
      const { accessToken } = await server.activePerson(name);
      const other = await server.activePerson(`other-${name}`);
      server.succeed(await server.as(other.accessToken).changeUsername({ username: `new-${name}` }));
      return {
        attempt: () => server.as(accessToken).changeUsername({ username: other.username }),
        message: new RegExp(`username ${other.username} is taken`),
        field: "username",
      };
    },
  },
  ...[
    {
      when: "an active account has it",
      other: (server: TestServer, name: string) => server.activePerson(name),
    },
    {
      when: "an account that waits for its confirmation has it",
      other: (server: TestServer, name: string) => server.registerPerson(name),
    },
  ].map(({ when, other }) => ({
    operation: "changeUsername",
    code: "USERNAME_TAKEN",
    when: `${when}, in crossed case`,
    prepare: async (server: TestServer, name: string) => {
      const { accessToken } = await server.activePerson(name);
      const taken = (await other(server, `other-${name}`)).username.toUpperCase();
      return {
        attempt: () => server.as(accessToken).changeUsername({ username: taken }),
        message: new RegExp(`username ${taken} is taken`),
        field: "username",
      };
    },
  })),
];

const BAD_PAGES: { when: string; paging: { first?: number; after?: string }; field: string }[] = [
  { when: "a page of none is asked for", paging: { first: 0 }, field: "first" },
  { when: "a page of less than none is asked for", paging: { first: -1 }, field: "first" },
  { when: "a page of 101 is asked for", paging: { first: 101 }, field: "first" },
  { when: "the cursor is empty", paging: { after: "" }, field: "after" },
  { when: "the cursor is none", paging: { after: "no cursor" }, field: "after" },
  ...[
    null,
    7,
    "no id",
    "9".repeat(19),
    [],
    ["2026-11-24T09:30:00.000Z"],
    ["2026-11-24T09:30:00.000Z", "no id"],
    ["2026-11-24T09:30:00.000Z", 7],
    ["no time", UNKNOWN_ID],
    ["-200000-01-01T00:00:00.000Z", UNKNOWN_ID],
    { createdAt: UNKNOWN_ID },
  ].map((key) => ({
    when: `the cursor is made of ${JSON.stringify(key)}`,
    paging: { after: Buffer.from(JSON.stringify(key)).toString("base64url") },
    field: "after",
  })),
];

const badPages: Scenario[] = ["recentActivity", "users", "accountEvents", "queuedEmails"].flatMap(
  (operation) =>
    BAD_PAGES.map(({ when, paging, field }) => ({
      operation,
      code: "BAD_USER_INPUT",
      when,
      prepare: async (server: TestServer, name: string) => {
        const { accessToken, id } = await server.admin(name);
        return {
          attempt: (): Promise<Answer<unknown>> => {
            if (operation === "users") return server.as(accessToken).users(paging);
            if (operation === "queuedEmails") return server.as(accessToken).queuedEmails(paging);
            if (operation === "accountEvents")
              return server.as(accessToken).accountEvents({ userId: id, ...paging });
            return server.as(accessToken).recentActivity(paging);
          },
          message: new RegExp(`^${field}: `),
          field,
          fields: [field],
        };
      },
    })),
);

/** What only administrators may; `id` is the user it is about, or for an email none of an email. */
const administration: {
  operation: string;
  field?: string;
  /** What there is none of. */
  thing?: string;
  call: (server: TestServer, accessToken: string, id: string) => Promise<Answer<unknown>>;
}[] = [
  { operation: "users", call: (server, accessToken) => server.as(accessToken).users() },
  { operation: "user", field: "id", call: (server, accessToken, id) => server.as(accessToken).user({ id }) },
  {
    operation: "accountEvents",
    field: "userId",
    call: (server, accessToken, id) => server.as(accessToken).accountEvents({ userId: id }),
  },
  {
    operation: "setUserRoles",
    field: "id",
    call: (server, accessToken, id) => server.as(accessToken).setUserRoles({ id, roles: ["USER"] }),
  },
  {
    operation: "deactivateUser",
    field: "id",
    call: (server, accessToken, id) => server.as(accessToken).deactivateUser({ id }),
  },
  {
    operation: "reactivateUser",
    field: "id",
    call: (server, accessToken, id) => server.as(accessToken).reactivateUser({ id }),
  },
  {
    operation: "endUserSessions",
    field: "id",
    call: (server, accessToken, id) => server.as(accessToken).endUserSessions({ id }),
  },
  { operation: "queuedEmails", call: (server, accessToken) => server.as(accessToken).queuedEmails() },
  {
    operation: "queuedEmailCounts",
    call: (server, accessToken) => server.as(accessToken).queuedEmailCounts(),
  },
  {
    operation: "retryEmail",
    field: "id",
    thing: "email",
    call: (server, accessToken, id) => server.as(accessToken).retryEmail({ id }),
  },
  {
    operation: "discardEmail",
    field: "id",
    thing: "email",
    call: (server, accessToken, id) => server.as(accessToken).discardEmail({ id }),
  },
];

const forbidden: Scenario[] = administration.flatMap(({ operation, call }) => [
  {
    operation,
    code: "FORBIDDEN",
    when: "the user is no administrator",
    prepare: async (server, name) => {
      const { accessToken } = await server.activePerson(name);
      const other = await server.activePerson(`other-${name}`);
      return {
        attempt: () => call(server, accessToken, other.id),
        message: /^Only an administrator may do this\.$/,
      };
    },
  },
  {
    operation,
    code: "FORBIDDEN",
    when: "the user is an administrator no longer",
    prepare: async (server, name) => {
      const { accessToken, id } = await server.admin(name);
      const other = await server.admin(`other-${name}`);
      server.succeed(await server.as(other.accessToken).setUserRoles({ id, roles: ["USER"] }));
      return {
        attempt: () => call(server, accessToken, id),
        message: /^Only an administrator may do this\.$/,
      };
    },
  },
]);

/** What administrators do to others. */
const unconfirmedAdmin: Scenario[] = administration
  .filter(({ operation }) => listedCodes.get(operation as OperationName)!.includes("PASSWORD_REQUIRED"))
  .map(({ operation, call }) => ({
    operation,
    code: "PASSWORD_REQUIRED",
    when: "the password was last given more than 10 minutes ago",
    prepare: async (server, name) => {
      const admin = await server.admin(name);
      const { id } = await server.activePerson(`other-${name}`);
      await server.query(
        "update accounts.sessions set password_confirmed_at = now() - interval '10 minutes' where user_id = $1",
        [admin.id],
      );
      return {
        attempt: () => call(server, admin.accessToken, id),
        message: /asks for your password again.*confirmPassword/,
      };
    },
  }));

const unconfirmedUser: Scenario = {
  operation: "setUserRoles",
  code: "ACCOUNT_NOT_ACTIVATED",
  when: "the user who is to be an administrator has not confirmed the address",
  prepare: async (server, name) => {
    const { accessToken } = await server.admin(name);
    const { username } = await server.registerPerson(`other-${name}`);
    const [row] = await server.query("select id from accounts.users where username = $1", [username]);
    return {
      attempt: () => server.as(accessToken).setUserRoles({ id: row!["id"], roles: ["USER", "ADMIN"] }),
      message: new RegExp(`^${username} has not confirmed the email address`),
      field: "id",
    };
  },
};

const notFound: Scenario[] = administration.flatMap(
  ({ operation, field, thing = "user or session", call }) =>
    field === undefined
      ? []
      : [UNKNOWN_ID, "no id", "", "1"].map((id) => ({
          operation,
          code: "NOT_FOUND",
          when: `the id is "${id}"`,
          prepare: async (server: TestServer, name: string) => {
            const { accessToken } = await server.admin(name);
            return {
              attempt: () => call(server, accessToken, id),
              message: new RegExp(`^No ${thing} has the ID "${id}"\\.`),
              field,
            };
          },
        })),
);

/** What would leave nobody to administer. */
const lastAdmin: Scenario[] = [
  ...administration
    .filter(({ operation }) => ["setUserRoles", "deactivateUser"].includes(operation))
    .map(({ operation, call }) => ({
      operation,
      call: (server: TestServer, { accessToken, id }: ActivePerson) => call(server, accessToken, id),
    })),
  {
    operation: "deleteAccount",
    call: (server: TestServer, { accessToken }: ActivePerson) =>
      server.as(accessToken).deleteAccount({ password: PASSWORD }),
  },
].map(({ operation, call }) => ({
  operation,
  code: "LAST_ADMIN",
  when: "all other administrators are deactivated or deleted, or have lost the role",
  prepare: async (server: TestServer, name: string) => {
    const admin = await server.admin(name);
    await server.query("update accounts.users set roles = '{USER}' where id <> $1", [admin.id]);
    await deactivate(server, await server.admin(`gone-${name}`));
    await server.query("update accounts.users set roles = '{USER}' where username = $1", [
      `admin-gone-${name}`,
    ]);
    const deleted = await server.admin(`deleted-${name}`);
    server.succeed(await server.as(deleted.accessToken).deleteAccount({ password: PASSWORD }));
    return {
      attempt: () => call(server, admin),
      message: new RegExp(`^${name} is the last administrator`),
    };
  },
}));

const noRole: Scenario = {
  operation: "setUserRoles",
  code: "BAD_USER_INPUT",
  when: "there is no role",
  prepare: async (server, name) => {
    const { accessToken, id } = await server.admin(name);
    return {
      attempt: () => server.as(accessToken).setUserRoles({ id, roles: [] }),
      message: /^roles: .*at least one/,
      field: "roles",
      fields: ["roles"],
    };
  },
};

/** What only a signed-in user may. The token is looked at before the arguments. */
const signedIn = [...listedCodes.keys()]
  .filter((operation) => listedCodes.get(operation)!.includes("UNAUTHENTICATED"))
  .map((operation) => ({
    operation,
    call: (server: TestServer, accessToken: string): Promise<Answer<unknown>> =>
      server.as(accessToken)[operation]({ ...FIT, id: UNKNOWN_ID, userId: UNKNOWN_ID }),
  }));

const unauthenticated: Scenario[] = signedIn.flatMap(({ operation, call }) => [
  {
    operation,
    code: "UNAUTHENTICATED",
    when: "the token is no access token",
    prepare: (server) => ({
      attempt: () => call(server, "no.token.atall"),
      message: /Authorization header has no valid access token/,
    }),
  },
  {
    operation,
    code: "UNAUTHENTICATED",
    when: "the session of the token has ended",
    prepare: async (server, name) => {
      const { accessToken } = await server.admin(name);
      server.succeed(await server.as(accessToken).logout());
      return {
        attempt: () => call(server, accessToken),
        message: /Authorization header has no valid access token/,
      };
    },
  },
]);

const scenarios = [
  ...register,
  ...weakAtRegister,
  ...finalizeRegistration,
  ...pendingAccount,
  ...resendRegistration,
  ...login,
  ...requestReset,
  ...finalizeReset,
  ...refreshSession,
  ...revokeSession,
  ...unconfirmed,
  ...changePassword,
  ...requestEmailChange,
  ...finalizeEmailChange,
  ...changeUsername,
  ...badPages,
  ...forbidden,
  ...unconfirmedAdmin,
  unconfirmedUser,
  ...notFound,
  ...lastAdmin,
  noRole,
  ...unauthenticated,
];

describe("an operation that is refused says why, and changes nothing:", () => {
  const shared = sharedServer();

  test.each(scenarios.map((scenario, index) => ({ ...scenario, name: `person-${index}` })))(
    "$operation answers $code when $when",
    async ({ code, prepare, name }) => {
      const server = shared();
      const { attempt, message, field, fields, changes } = await prepare(server, name);
      await server.mailsSettled();
      const before = await server.state();

      const answer = await attempt();

      const error = server.refuse(answer, code);
      expect(answer.data).toBeFalsy();
      expect(error.message).toMatch(message);
      expect(error.extensions.field).toBe(field);
      expect(error.extensions.fields?.map((fault) => fault.field)).toEqual(fields);
      for (const fault of error.extensions.fields ?? []) expect(fault.message).toMatch(/\w/);
      expect(Object.keys(error.extensions).sort()).toEqual(
        ["code", ...(field ? ["field"] : []), ...(fields ? ["fields"] : [])].sort(),
      );
      await server.mailsSettled();
      const users = before.users.map((user) =>
        (user as { username: string }).username === changes?.username
          ? Object.assign({}, user, changes.to)
          : user,
      );
      expect(await server.state()).toEqual({ ...before, users });
    },
  );
});

test("each operation's @errors list names exactly the codes that the scenarios here make it raise", () => {
  const raised = (operation: OperationName) =>
    scenarios.filter((scenario) => scenario.operation === operation).map(({ code }) => code);
  // server-busy.test.ts holds SERVER_BUSY against its lists, tests/security/rate-limits.test.ts and challenge.test.ts the others.
  const elsewhere = ["SERVER_BUSY", "RATE_LIMITED", "CHALLENGE_REQUIRED"];
  const listed = (operation: OperationName) =>
    listedCodes.get(operation)!.filter((code) => !elsewhere.includes(code));

  for (const operation of listedCodes.keys())
    expect(new Set(raised(operation)), operation).toEqual(new Set(listed(operation)));
});

test("every error code can be raised", () => {
  const codes = assertEnumType(schema.getType("AccountErrorCode"))
    .getValues()
    .map(({ name }) => name);
  const raised = [...listedCodes.values(), "SERVICE_UNAVAILABLE"].flat(); // by any field: tests/faults/database.test.ts
  expect(codes.filter((code) => !raised.includes(code))).toEqual([]);
});

const UNFIT = ["\0", "a NUL\0inside it", "\ud800", "\udfff", "half a \ud83e character", "\udc00\ud800"];

describe("text that cannot be stored as it is, is BAD_USER_INPUT in", () => {
  const shared = sharedServer();

  const parameters = [schema.getQueryType()!, schema.getMutationType()!].flatMap((type) =>
    Object.values(type.getFields()).flatMap((field) =>
      field.args.map((arg) => ({
        operation: field.name as OperationName,
        argument: arg.name,
        type: getNamedType(arg.type),
      })),
    ),
  );
  let admin: ActivePerson;
  beforeAll(async () => {
    admin = await shared().admin();
  });

  const attempt = (operation: OperationName, changed: object): Promise<Answer<unknown>> => {
    const door = shared().as(admin.accessToken);
    return door[operation]({ ...FIT, id: admin.id, userId: admin.id, ...changed });
  };

  test.each(parameters.filter(({ type }) => type === GraphQLString))(
    "$argument of $operation",
    async ({ operation, argument }) => {
      const server = shared();
      const before = await server.state();
      for (const unfit of UNFIT) {
        const answer = await attempt(operation, { [argument]: unfit });
        const error = server.refuse(answer, "BAD_USER_INPUT");
        expect(error.extensions.fields?.map((fault) => fault.field)).toEqual([argument]);
        expect(error.extensions.field).toBe(argument);
      }
      expect(await server.state()).toEqual(before);
    },
  );

  // `node` finds none, without an error (tests/graphql/node.test.ts).
  test.each(parameters.filter(({ operation, type }) => type === GraphQLID && operation !== "node"))(
    "no id, though: as $argument of $operation it is NOT_FOUND, as is every id of nothing",
    async ({ operation, argument }) => {
      const server = shared();
      const before = await server.state();
      for (const unfit of UNFIT) {
        const answer = await attempt(operation, { [argument]: unfit });
        expect(server.refuse(answer, "NOT_FOUND").extensions.field).toBe(argument);
      }
      expect(await server.state()).toEqual(before);
    },
  );

  test("every argument is a text, an id, a number or one of a closed list, so that none escapes the tests above", () => {
    const kinds = new Set(parameters.map(({ type }) => (isEnumType(type) ? "enum" : type.name)));
    expect([...kinds].sort()).toEqual(["ID", "Int", "String", "enum"]);
  });
});

test("login gives one and the same answer whatever is wrong", async () => {
  const server = await startServer();
  await server.activePerson("ada");
  await server.registerPerson("pending");

  const answers = [
    await server.login({ username: "nobody", password: PASSWORD }),
    await server.login({ username: UNKNOWN_EMAIL, password: PASSWORD }),
    await server.login({ username: "ada", password: WRONG_PASSWORD }),
    await server.login({ username: "ada", password: "" }),
    await server.login({ username: "ada", password: "x".repeat(129) }),
    await server.login({ username: "nobody", password: "x".repeat(129) }),
    await server.login({ username: "pending", password: WRONG_PASSWORD }),
  ];

  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  server.refuse(answers[0]!, "INVALID_CREDENTIALS");
});
