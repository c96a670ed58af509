// What a client can read and write of an account: the fields of the schema, and no others.
import { readFileSync } from "node:fs";

import { getNamedType, isInputObjectType, isObjectType, isScalarType } from "graphql";
import { describe, expect, test } from "vitest";

import { schema } from "../support/graphql.ts";
import { PASSWORD, sharedServer, startServer } from "../support/server.ts";
import { expectRefusal } from "../http/refusal.ts";

test("a new server has no account, so none with a password that somebody knows", async () => {
  const server = await startServer();
  expect(await server.query("select username from accounts.users")).toEqual([]);
});

describe("what an operation does not take", () => {
  const shared = sharedServer();

  test.each([
    [
      "register",
      'register(username: "mallory", email: "mallory@example.com", password: "correct horse battery", roles: [ADMIN]) { message }',
    ],
    [
      "register",
      'register(username: "mallory", email: "mallory@example.com", password: "correct horse battery", isActive: true) { message }',
    ],
    [
      "changeUsername",
      'changeUsername(username: "mallory", id: "00000000-0000-4000-8000-000000000000") { id }',
    ],
    [
      "changePassword",
      'changePassword(currentPassword: "a", newPassword: "b", passwordHash: "$argon2id$x") { expiresAt }',
    ],
    ["setUserRoles", 'setUserRoles(id: "1", roles: [ROOT]) { id }'],
  ])("is refused by %s, and nothing changes", async (_operation, field) => {
    const server = shared();
    expectRefusal(await server.execute(`mutation { ${field} }`), 400, /^GRAPHQL_VALIDATION_FAILED$/);
    expect(await server.query("select 1 from accounts.users")).toEqual([]);
  });

  test("is refused among the variables' declarations too, and ignored where it is no variable of the operation", async () => {
    const server = shared();
    const declared =
      "mutation ($username: String!, $email: String!, $password: String!) { register(username: $username, email: $email, password: $password) { message } }";
    const values = {
      username: "mallory",
      email: "mallory@example.com",
      password: PASSWORD,
      roles: ["ADMIN"],
      is_active: true,
      isActive: true,
    };
    server.succeed(await server.execute(declared, values));
    expect(await server.query("select roles::text, is_active from accounts.users")).toEqual([
      { roles: "{USER}", is_active: false },
    ]);
  });
});

describe("the schema", () => {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith("__"));
  const fields = types.filter(isObjectType).flatMap((type) =>
    Object.values(type.getFields()).map((field) => ({
      type: type.name,
      field: field.name,
      args: field.args,
    })),
  );

  test("has no field for a hash, a version of the credentials or a key", () => {
    const inside = fields.filter(({ field }) => /hash|credential|secret|salt|pepper|key$/i.test(field));
    expect(inside).toEqual([]);
  });

  test("logs in by six operations and no others, all of which docs/security.md describes", () => {
    const ways = Object.values(schema.getMutationType()!.getFields())
      .filter(({ type }) => getNamedType(type).name === "AuthPayload")
      .map(({ name }) => name);
    const queries = Object.values(schema.getQueryType()!.getFields());
    expect(queries.filter(({ type }) => getNamedType(type).name === "AuthPayload")).toEqual([]);
    const section = readFileSync("docs/security.md", "utf8")
      .split("\n## Ways to log in\n")[1]!
      .split("\n## ")[0]!;
    const described = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
    expect(described.sort()).toEqual(ways.sort());
  });

  test("takes single values, never an object whose fields could be too many", () => {
    expect(types.filter(isInputObjectType)).toEqual([]);
    const taken = new Set(fields.flatMap(({ args }) => args.map(({ type }) => getNamedType(type))));
    const custom = [...taken].filter(
      (type) => isScalarType(type) && !/^(?:String|ID|Int|Boolean)$/.test(type.name),
    );
    expect(custom).toEqual([]);
  });

  test("lets only an administrator name another user", () => {
    const resolvers = ["account", "own-account", "session", "node", "administration"].map(
      (name) => [name, readFileSync(`src/graphql/${name}.resolver.ts`, "utf8")] as const,
    );
    for (const [name, source] of resolvers) {
      if (name === "administration")
        expect(source.match(/@(?:Query|Mutation)\(/g)).toHaveLength(
          source.match(/@Authorized\(Role\.ADMIN\)/g)!.length,
        );
      else expect(source).not.toMatch(/"userId"/);
    }
  });
});
