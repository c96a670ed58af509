// How much one operation may ask for. Whatever asks for more is refused before anything of it runs.
import { getIntrospectionQuery, getNamedType, isLeafType } from "graphql";
import { describe, expect, test } from "vitest";

import { schema, type Answer } from "../support/graphql.ts";
import { PASSWORD, sharedServer, startServer } from "../support/server.ts";

const LOGIN = `login(username: "ada", password: "${PASSWORD}") { accessToken }`;
const REGISTER = `register(username: "eve", email: "eve@example.com", password: "${PASSWORD}") { message }`;
const RESEND = `resendRegistration(email: "ada@example.com") { message }`;
const REQUEST_RESET = `requestReset(email: "ada@example.com") { message }`;
const FINALIZE_RESET = `finalizeReset(token: "x", password: "${PASSWORD}") { accessToken }`;
const CHANGE_PASSWORD = `changePassword(currentPassword: "x", newPassword: "${PASSWORD}") { accessToken }`;
const DELETE_ACCOUNT = `deleteAccount(password: "x") { message }`;
const EXPORT_ACCOUNT = `exportAccount(password: "x")`;
const REQUEST_EMAIL_CHANGE = `requestEmailChange(newEmail: "eve@example.com", password: "x") { message }`;
const FINALIZE_EMAIL_CHANGE = `finalizeEmailChange(token: "x") { accessToken }`;
const CHANGE_USERNAME = `changeUsername(username: "eve") { id }`;
const CONFIRM_PASSWORD = `confirmPassword(password: "x") { message }`;
const END_UNDO = `endEmailChangeUndo(password: "x") { message }`;
const SET_ROLES = `setUserRoles(id: "1", roles: [USER]) { id }`;
const administer = (mutation: string) => `${mutation}(id: "1") { id }`;
const FINALIZE_REGISTRATION = `finalizeRegistration(token: "x") { accessToken }`;

const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join(" ");

function expectRefused(answer: Answer<unknown>, code = "GRAPHQL_VALIDATION_FAILED"): void {
  expect(answer.status).toBe(400);
  expect(answer.data).toBeUndefined();
  expect(answer.errors.map(({ extensions }) => extensions.code)).toContain(code);
}

describe("how large a document may be", () => {
  const shared = sharedServer();

  test("1,000 tokens are read, one more is not", async () => {
    // `query`, both braces and the name besides.
    const ofTokens = (count: number) => `query A { ${"__typename ".repeat(count - 4)} }`;
    const served = await shared().execute(ofTokens(1_000));
    expect(served.errors.map(({ extensions }) => extensions.code)).not.toContain("GRAPHQL_PARSE_FAILED");
    expectRefused(await shared().execute(ofTokens(1_001)), "GRAPHQL_PARSE_FAILED");
  });

  test("20 fields deep is served, 21 is not", async () => {
    const ofDepth = (depth: number) =>
      `{ __type(name: "User") { ${"ofType { ".repeat(depth - 2)} name ${"} ".repeat(depth - 2)} } }`;
    expect(await shared().execute(ofDepth(20))).toMatchObject({ status: 200, errors: [] });
    const answer = await shared().execute(ofDepth(21));
    expectRefused(answer);
    expect(answer.errors[0]?.message).toContain("21");
  });

  test("depth is counted through fragments, which add none of their own", async () => {
    const ofDepth = (depth: number) => {
      const half = "ofType { ".repeat((depth - 2) / 2);
      const ends = "} ".repeat((depth - 2) / 2);
      return `{ __type(name: "User") { ... on __Type { ${half} ...Rest ${ends} } } } fragment Rest on __Type { ${half} name ${ends} }`;
    };
    expect(await shared().execute(ofDepth(20))).toMatchObject({ status: 200, errors: [] });
    expectRefused(await shared().execute(ofDepth(22)));
  });

  test("50 root fields are served, 51 are not", async () => {
    const ofFields = (count: number) => `{ ${times(count, (index) => `a${index}: me { id }`)} }`;
    const served = await shared().execute(ofFields(50));
    expect(served).toMatchObject({ status: 200, errors: [] });
    expect(Object.keys(served.data!)).toHaveLength(50);
    expectRefused(await shared().execute(ofFields(51)));
  });

  test("root fields are counted through fragments", async () => {
    const ofFields = (count: number) =>
      `{ ...A ... on Query { ${times(25, (index) => `b${index}: me { id }`)} } }
       fragment A on Query { ${times(count - 25, (index) => `a${index}: me { id }`)} }`;
    expect(await shared().execute(ofFields(50))).toMatchObject({ status: 200, errors: [] });
    expectRefused(await shared().execute(ofFields(51)));
  });

  test("root fields that a directive leaves out count too", async () => {
    expectRefused(
      await shared().execute(`{ ${times(51, (index) => `a${index}: me @skip(if: true) { id }`)} }`),
    );
  });

  test("what GraphiQL asks of the schema is served", async () => {
    const query = getIntrospectionQuery({
      descriptions: true,
      inputValueDeprecation: true,
      oneOf: true,
      schemaDescription: true,
      directiveIsRepeatable: true,
      specifiedByUrl: true,
    });
    const answer = await shared().execute(query);
    expect(answer).toMatchObject({ status: 200, errors: [] });
    expect(answer.data).toHaveProperty("__schema.mutationType.name", "Mutation");
  });
});

describe("more than one guarded mutation in an operation", () => {
  const shared = sharedServer();

  test.each([
    ["two logins by alias", `mutation { a: ${LOGIN} b: ${LOGIN} }`],
    ["forty logins", `mutation { ${times(40, (index) => `a${index}: ${LOGIN}`)} }`],
    ["login and register", `mutation { ${LOGIN} ${REGISTER} }`],
    ["register and requestReset", `mutation { ${REGISTER} ${REQUEST_RESET} }`],
    ["two resendRegistration", `mutation { a: ${RESEND} b: ${RESEND} }`],
    ["two finalizeReset", `mutation { a: ${FINALIZE_RESET} b: ${FINALIZE_RESET} }`],
    ["both finalize...", `mutation { ${FINALIZE_REGISTRATION} ${FINALIZE_RESET} }`],
    ["two changePassword", `mutation { a: ${CHANGE_PASSWORD} b: ${CHANGE_PASSWORD} }`],
    ["two deleteAccount", `mutation { a: ${DELETE_ACCOUNT} b: ${DELETE_ACCOUNT} }`],
    ["two exportAccount", `mutation { a: ${EXPORT_ACCOUNT} b: ${EXPORT_ACCOUNT} }`],
    ["two requestEmailChange", `mutation { a: ${REQUEST_EMAIL_CHANGE} b: ${REQUEST_EMAIL_CHANGE} }`],
    ["finalizeEmailChange and finalizeReset", `mutation { ${FINALIZE_EMAIL_CHANGE} ${FINALIZE_RESET} }`],
    ["two changeUsername", `mutation { a: ${CHANGE_USERNAME} b: ${CHANGE_USERNAME} }`],
    ["two confirmPassword", `mutation { a: ${CONFIRM_PASSWORD} b: ${CONFIRM_PASSWORD} }`],
    ["endEmailChangeUndo and confirmPassword", `mutation { ${END_UNDO} ${CONFIRM_PASSWORD} }`],
    ["two setUserRoles", `mutation { a: ${SET_ROLES} b: ${SET_ROLES} }`],
    ["two of what administrators do", `mutation { ${administer("deactivateUser")} ${SET_ROLES} }`],
    [
      "reactivateUser and endUserSessions",
      `mutation { ${administer("reactivateUser")} ${administer("endUserSessions")} }`,
    ],
    ["retryEmail and discardEmail", `mutation { ${administer("retryEmail")} ${administer("discardEmail")} }`],
    ["changePassword and login", `mutation { ${CHANGE_PASSWORD} ${LOGIN} }`],
    [
      "all that confirm the password",
      `mutation { ${CHANGE_PASSWORD} ${DELETE_ACCOUNT} ${EXPORT_ACCOUNT} ${REQUEST_EMAIL_CHANGE} }`,
    ],
    ["a login and one in a fragment", `mutation { ${LOGIN} ...F } fragment F on Mutation { b: ${LOGIN} }`],
    [
      "logins in two fragments",
      `mutation { ...F ...G } fragment F on Mutation { a: ${LOGIN} } fragment G on Mutation { b: ${LOGIN} }`,
    ],
    [
      "logins in fragments of fragments",
      `mutation { ...F } fragment F on Mutation { a: ${LOGIN} ...G } fragment G on Mutation { ... { ...H } } fragment H on Mutation { b: ${LOGIN} }`,
    ],
    [
      "logins in nested inline fragments",
      `mutation { ... on Mutation { ... { a: ${LOGIN} ... @include(if: true) { b: ${LOGIN} } } } }`,
    ],
    [
      "a login that a directive leaves out",
      `mutation { a: ${LOGIN} b: ${LOGIN.replace("{", "@skip(if: true) {")} }`,
    ],
    [
      "them in an operation that is not the one to run",
      `mutation B { a: ${LOGIN} b: ${LOGIN} } mutation A { ${REGISTER} }`,
    ],
  ])("(%s) is refused, nothing is stored and no mail is sent", async (_what, query) => {
    const server = shared();
    const answer = await server.send({
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, ...(query.includes("mutation A") && { operationName: "A" }) }),
    });
    expectRefused(answer);
    expect(await server.query("select * from accounts.users")).toEqual([]);
    expect(await server.query("select * from accounts_queue.job where name = 'mail'")).toEqual([]);
  });

  test("a refused operation changes nothing of an account that exists", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const users = "select to_jsonb(users) as row from accounts.users";
    const before = await server.query(users);
    expectRefused(await server.execute(`mutation { ${LOGIN} ${REQUEST_RESET} }`));
    expect(await server.query(users)).toEqual(before);
    server.succeed(await server.requestReset({ email: "ada@example.com" }));
    await server.resetToken("ada@example.com");
    expect(server.smtp.received, "the confirmation and the one reset").toHaveLength(2);
  });

  test("one beside queries of other fields is served", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const answer = await server.execute(`mutation { __typename ${LOGIN} }`);
    expect(answer).toMatchObject({ status: 200, errors: [] });
  });

  test("one beside mutations that try no password and send no mail is served", async () => {
    const server = await startServer();
    const { accessToken } = await server.activePerson("ada");
    const answer = await server.with({ authorization: `Bearer ${accessToken}` }).execute(`mutation {
        exportAccount(password: "${PASSWORD}")
        logout { message }
      }`);
    expect(answer).toMatchObject({ status: 200, errors: [] });
    expect(Object.keys(answer.data!)).toEqual(["exportAccount", "logout"]);
  });

  test("two operations of one login each are fine in one document", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const query = `mutation A { ${LOGIN} } mutation B { ${LOGIN} }`;
    const answer = await server.send({
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, operationName: "B" }),
    });
    expect(answer).toMatchObject({ status: 200, errors: [] });
    expect(answer.data).toHaveProperty("login.accessToken");
  });
});

describe("a document made to keep the server busy", () => {
  const shared = sharedServer();

  test("fields that fragments multiply beyond measure are refused", async () => {
    const fragments = times(
      80,
      (index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`,
    );
    const answer = await shared().execute(`{ ...F0 } ${fragments} fragment F80 on Query { __typename }`);
    expectRefused(answer);
  });

  test("a login at the end of such fragments is counted as often as it is spread", async () => {
    const fragments = times(
      40,
      (index) => `fragment F${index} on Mutation { ...F${index + 1} ...F${index + 1} }`,
    );
    const answer = await shared().execute(
      `mutation { ...F0 } ${fragments} fragment F40 on Mutation { ${LOGIN} }`,
    );
    expectRefused(answer);
  });

  test("fields that double at each level of introspection are refused or answered small", async () => {
    const fragments = times(
      40,
      (index) =>
        `fragment F${index} on __Type { a: ofType { ...F${index + 1} } b: ofType { ...F${index + 1} } }`,
    );
    const answer = await shared().execute(
      `{ __type(name: "__Type") { ...F0 } } ${fragments} fragment F40 on __Type { name }`,
    );
    expectRefused(answer);
  });

  test("lists of lists of the schema's own fields are refused", async () => {
    const level = (depth: number): string =>
      depth === 0 ? "name" : `a: fields { type { ofType { ofType { ofType { ${level(depth - 1)} } } } } }`;
    expectRefused(await shared().execute(`{ __schema { types { ${level(4)} } } }`));
  });

  test.each([
    ["itself", "{ ...A } fragment A on Query { me { id } ...A }"],
    ["each other", "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"],
    [
      "each other around a field",
      '{ __type(name: "User") { ...A } } fragment A on __Type { ofType { ...B } } fragment B on __Type { ofType { ...A } }',
    ],
    ["themselves, unused", "{ me { id } } fragment A on Query { ...A }"],
  ])("fragments that spread %s are refused", async (_what, query) => {
    expectRefused(await shared().execute(query));
  });

  test("logins behind a cycle of fragments are refused", async () => {
    const query = `mutation { ...A } fragment A on Mutation { a: ${LOGIN} ...B } fragment B on Mutation { ...A }`;
    expectRefused(await shared().execute(query));
  });

  test.each([1, 2, 100])("an array of %i operations is refused", async (count) => {
    const answer = await shared().send({
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(Array.from({ length: count }, () => ({ query: `mutation { ${REGISTER} }` }))),
    });
    expectRefused(answer, "BAD_REQUEST");
    expect(await shared().query("select * from accounts.users")).toEqual([]);
  });
});

const GUARDED = Object.values(schema.getMutationType()!.getFields()).filter(({ args }) =>
  args.some(({ name }) => /password$|email$|^token$/i.test(name)),
);

test("what takes a password, an email address or a mailed token is found in the schema", () => {
  expect(GUARDED.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["login", "register", "finalizeReset", "changePassword", "deleteAccount"]),
  );
});

describe("an operation tries one password, email address or mailed token:", () => {
  const shared = sharedServer();

  test.each(GUARDED.map((field) => [field.name, field] as const))(
    "two %s are refused",
    async (name, field) => {
      const declared = field.args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(", ");
      const passed = field.args.map((arg) => `${arg.name}: $${arg.name}`).join(", ");
      const call = `${name}(${passed}) ${isLeafType(getNamedType(field.type)) ? "" : "{ __typename }"}`;
      const variables = Object.fromEntries(field.args.map((arg) => [arg.name, "x"]));
      const ask = (calls: string) => shared().execute(`mutation (${declared}) { ${calls} }`, variables);

      const { status, errors } = await ask(`a: ${call} b: ${call}`);
      expect({ status, messages: errors.map(({ message }) => message) }).toEqual({
        status: 400,
        messages: [expect.stringMatching(new RegExp(`more than one of .*${name}`))],
      });
      expect((await ask(call)).status).toBe(200);
    },
  );
});
