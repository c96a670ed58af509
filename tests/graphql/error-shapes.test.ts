// What a client can know of errors: which there are, what they look like, whom they concern, and what stands beside them.
import { buildClientSchema, getIntrospectionQuery, isObjectType, type IntrospectionQuery } from "graphql";
import { describe, expect, test } from "vitest";

import { listedCodes, schema } from "../support/graphql.ts";
import { PASSWORD, sharedServer, startServer } from "../support/server.ts";

test("a mutation that is refused is null, and leaves what was done beside it", async () => {
  const server = await startServer();
  const { accessToken } = await server.activePerson("ada");
  const answer = await server.as(accessToken).execute(
    `mutation {
      renamed: changeUsername(username: "countess") { username }
      revoked: revokeSession(id: "of nobody") { message }
    }`,
  );
  expect(answer.status).toBe(200);
  expect(answer.data).toEqual({ renamed: { username: "countess" }, revoked: null });
  expect(answer.errors).toMatchObject([
    { path: ["revoked"], extensions: { code: "NOT_FOUND", field: "id" } },
  ]);
});

test("every mutation can be null", () => {
  const mutations = Object.values(schema.getMutationType()!.getFields());
  expect(mutations.length).toBeGreaterThan(20);
  expect(mutations.filter(({ type }) => String(type).endsWith("!")).map(({ name }) => name)).toEqual([]);
});

test("introspection tells the codes of each query and mutation", async () => {
  const server = await startServer();
  const { data } = await server.execute(getIntrospectionQuery());
  const asked = buildClientSchema(data as unknown as IntrospectionQuery);
  const fields = { ...asked.getQueryType()!.getFields(), ...asked.getMutationType()!.getFields() };
  for (const [name, codes] of listedCodes) {
    const told = /\n\nErrors: (.*)\.$/.exec(fields[name]!.description!)?.[1];
    expect(told?.split(", ") ?? [], name).toEqual(codes.map((code) => `\`${code}\``));
  }
});

describe("the type AccountErrorExtensions", () => {
  const shared = sharedServer();
  const type = schema.getType("AccountErrorExtensions");
  const fields = isObjectType(type) ? Object.keys(type.getFields()) : [];

  test("has what an error about arguments has", async () => {
    const answer = await shared().register({ username: "!", email: "!", password: PASSWORD });
    const { extensions } = shared().refuse(answer, "BAD_USER_INPUT");
    expect(Object.keys(extensions)).toEqual(["code", "field", "fields"]);
    expect(fields).toEqual(expect.arrayContaining(Object.keys(extensions)));
    for (const fault of extensions.fields!) expect(Object.keys(fault)).toEqual(["field", "message"]);
  });

  test("has what an error about limits and challenges has", async () => {
    const server = await startServer({ env: { RATE_LIMITS: "on", CHALLENGE: "always" } });
    const answer = await server.login({ username: "ada", password: PASSWORD });
    const { extensions } = server.refuse(answer, "CHALLENGE_REQUIRED");
    expect(fields).toEqual(expect.arrayContaining(Object.keys(extensions)));
    expect(fields).toEqual(expect.arrayContaining(["retryAfterSeconds", "id"]));
  });
});

describe("a variable with a value that its argument cannot take is BAD_USER_INPUT, with the argument's name:", () => {
  const shared = sharedServer();

  test.each([
    ["null", "$u: String!", { u: null }],
    ["nothing", "$u: String!", {}],
    ["a number", "$u: String!", { u: 5 }],
    ["null in place of its default", '$u: String = "ada"', { u: null }],
  ])("%s", async (_what, declared, variables) => {
    const document = `mutation (${declared}) { login(username: $u, password: "x") { accessToken } }`;
    const { errors } = await shared().execute(document, variables);
    expect(errors).toMatchObject([
      { extensions: { code: "BAD_USER_INPUT", field: "username", fields: [{ field: "username" }] } },
    ]);
  });

  test("one of a list", async () => {
    const document = `mutation ($r: Role!) { setUserRoles(id: "1", roles: [$r]) { id } }`;
    const { errors } = await shared().execute(document, { r: "QUEEN" });
    expect(errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT", field: "roles" } }]);
  });
});
