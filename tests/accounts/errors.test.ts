// Every expected failure of the contract: its code, what it says of the arguments, and that nothing has changed.
import { assertEnumType, GraphQLNonNull, GraphQLString } from "graphql";
import { describe, expect, test } from "vitest";

import { listedCodes, schema, type Answer } from "../support/graphql.ts";
import { PASSWORD, sharedServer, startServer, type TestServer } from "../support/server.ts";

interface Refusal {
  readonly attempt: () => Promise<Answer<unknown>>;
  readonly message: RegExp;
  /** `extensions.field`, for most the argument at fault. */
  readonly field?: string;
  /** The `field` of each of `extensions.fields`. */
  readonly fields?: string[];
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
        message: new RegExp(`${name}@example\\.com exists already: log in`, "i"),
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
        message: new RegExp(`${name}@example\\.com waits for its confirmation.*resendRegistration`),
        field: "email",
      };
    },
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
  { when: "the password is a common one", password: () => "password1", message: /most common/ },
  {
    when: "the password is a common one in crossed case",
    password: () => "QwertyUIOP",
    message: /most common/,
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

async function resetTokenOf(server: TestServer, email: string): Promise<string> {
  server.succeed(await server.requestReset(email));
  return server.resetToken(email);
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
        message: /link is not valid.*used already/,
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
      attempt: () => server.resendRegistration("nobody"),
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
      attempt: () => server.resendRegistration(UNKNOWN_EMAIL),
      message: /No account has the address nobody@example\.com/,
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
        attempt: () => server.resendRegistration(email),
        message: new RegExp(`${email} is activated already: log in`),
        field: "email",
      };
    },
  },
];

const login: Scenario[] = [
  {
    operation: "login",
    code: "BAD_USER_INPUT",
    when: "both arguments hold a NUL",
    prepare: (server) => ({
      attempt: () => server.login("na\0me", "pass\0word"),
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
    { when: "the password is wrong", name: (name: string) => name, password: "wrong horse battery" },
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
        attempt: () => server.login(loginName(name), password),
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
        attempt: () => server.login(name, "wrong horse battery"),
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
        attempt: () => server.login(what === "username" ? username : email, PASSWORD),
        message: new RegExp(`${name}.* is not activated`),
        field: "username",
      };
    },
  })),
];

const requestReset: Scenario[] = [
  {
    operation: "requestReset",
    code: "BAD_USER_INPUT",
    when: "the address is malformed",
    prepare: (server) => ({
      attempt: () => server.requestReset("nobody"),
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
      attempt: () => server.requestReset(UNKNOWN_EMAIL),
      message: /No account has the address nobody@example\.com/,
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
        attempt: () => server.requestReset(email),
        message: new RegExp(`${email} is not activated`),
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
      const token = await resetTokenOf(server, email);
      server.succeed(await server.finalizeReset({ token, password: NEW_PASSWORD }));
      return {
        attempt: () => server.finalizeReset({ token, password: "yet another staple" }),
        message: /link is not valid.*used already/,
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
      const token = await resetTokenOf(server, email);
      return {
        attempt: () => server.finalizeReset({ token, password: password(name) }),
        message,
        field: "password",
      };
    },
  })),
];

const me: Scenario[] = [
  {
    operation: "me",
    code: "UNAUTHENTICATED",
    when: "the token is no access token",
    prepare: (server) => ({
      attempt: () => server.me("no.token.atall"),
      message: /Authorization header holds no good access token/,
    }),
  },
];

const scenarios = [
  ...register,
  ...weakAtRegister,
  ...finalizeRegistration,
  ...resendRegistration,
  ...login,
  ...requestReset,
  ...finalizeReset,
  ...me,
];

describe("an operation that is refused says why, and changes nothing:", () => {
  const shared = sharedServer();

  test.each(scenarios.map((scenario, index) => ({ ...scenario, name: `person-${index}` })))(
    "$operation answers $code when $when",
    async ({ code, prepare, name }) => {
      const server = shared();
      const { attempt, message, field, fields } = await prepare(server, name);
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
      expect(await server.state()).toEqual(before);
    },
  );
});

test("each operation's @errors list names exactly the codes that the scenarios here make it raise", () => {
  const raised = (operation: string) =>
    scenarios.filter((scenario) => scenario.operation === operation).map(({ code }) => code);
  // server-busy.test.ts holds SERVER_BUSY against its lists.
  const listed = (operation: string) => listedCodes.get(operation)!.filter((code) => code !== "SERVER_BUSY");

  for (const operation of listedCodes.keys())
    expect(new Set(raised(operation)), operation).toEqual(new Set(listed(operation)));
});

test("the enum of codes is the contract's, with RATE_LIMITED in it and in no list yet", () => {
  const codes = assertEnumType(schema.getType("AccountErrorCode")).getValues();
  expect(codes.map(({ name }) => name).sort()).toEqual(
    [
      "USERNAME_TAKEN",
      "EMAIL_TAKEN",
      "BAD_USER_INPUT",
      "WEAK_PASSWORD",
      "INVALID_CREDENTIALS",
      "ACCOUNT_NOT_ACTIVATED",
      "EMAIL_NOT_FOUND",
      "ALREADY_ACTIVATED",
      "INVALID_TOKEN",
      "UNAUTHENTICATED",
      "SERVER_BUSY",
      "RATE_LIMITED",
    ].sort(),
  );
  expect([...listedCodes.values()].flat()).not.toContain("RATE_LIMITED");
});

describe("text that cannot be stored as it is, is BAD_USER_INPUT in", () => {
  const shared = sharedServer();

  const good: Record<string, string> = {
    username: "ada",
    email: "ada@example.com",
    password: PASSWORD,
    token: "no.token.atall",
  };
  const parameters = Object.values(schema.getMutationType()!.getFields()).flatMap((field) =>
    field.args.map((arg) => ({ mutation: field.name, args: field.args, argument: arg.name })),
  );

  test.each(parameters)("$argument of $mutation", async ({ mutation, args, argument }) => {
    const server = shared();
    const isObject = /User|Payload/.test(String(schema.getMutationType()!.getFields()[mutation]!.type));
    const query = `mutation (${args.map(({ name, type }) => `$${name}: ${String(type)}`).join(", ")}) {
      ${mutation}(${args.map(({ name }) => `${name}: $${name}`).join(", ")}) ${isObject ? "{ __typename }" : ""}
    }`;
    const values = Object.fromEntries(args.map(({ name }) => [name, good[name]]));
    const before = await server.state();
    for (const unfit of [
      "\0",
      "a NUL\0inside it",
      "\ud800",
      "\udfff",
      "half a \ud83e character",
      "\udc00\ud800",
    ]) {
      const error = server.refuse(
        await server.execute(query, { ...values, [argument]: unfit }),
        "BAD_USER_INPUT",
      );
      expect(error.extensions.fields?.map(({ field }) => field)).toEqual([argument]);
      expect(error.extensions.field).toBe(argument);
    }
    expect(await server.state()).toEqual(before);
  });

  test("every argument of every mutation is a text, so that none escapes the tests above", () => {
    for (const { args } of parameters)
      for (const { type } of args)
        expect(type instanceof GraphQLNonNull ? type.ofType : type).toBe(GraphQLString);
  });
});

test("login gives one and the same answer whatever is wrong", async () => {
  const server = await startServer();
  await server.activePerson("ada");
  await server.registerPerson("pending");

  const answers = [
    await server.login("nobody", PASSWORD),
    await server.login(UNKNOWN_EMAIL, PASSWORD),
    await server.login("ada", "wrong horse battery"),
    await server.login("ada", ""),
    await server.login("ada", "x".repeat(129)),
    await server.login("nobody", "x".repeat(129)),
    await server.login("pending", "wrong horse battery"),
  ];

  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  server.refuse(answers[0]!, "INVALID_CREDENTIALS");
});
