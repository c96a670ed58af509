// The schema that the server emits, held against schema.graphql and against the contract with its clients.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { printSchemaWithDirectives } from "@graphql-tools/utils";
import {
  buildSchema,
  findBreakingChanges,
  getNamedType,
  isEnumType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  type GraphQLSchema,
} from "graphql";
import { expect, test } from "vitest";

import type { Accounts } from "../../src/accounts/accounts.ts";
import { createSchema } from "../../src/graphql/schema.ts";
import { temporaryFolder } from "../support/process.ts";

/** What was promised; later versions only add to it. */
const CONTRACT = `
  type Query {
    me: User
    sessions: [Session!]!
    recentActivity(first: Int! = 20, after: String): AccountEventConnection!
    users(first: Int! = 20, after: String, search: String): UserConnection!
    user(id: ID!): User
    accountEvents(userId: ID!, first: Int! = 20, after: String): AccountEventConnection!
  }

  type Mutation {
    register(username: String!, email: String!, password: String!): MessagePayload!
    finalizeRegistration(token: String): AuthPayload!
    resendRegistration(email: String!): MessagePayload!
    login(username: String!, password: String!): AuthPayload!
    requestReset(email: String!): MessagePayload!
    finalizeReset(token: String, password: String!): AuthPayload!
    refreshSession(refreshToken: String): AuthPayload!
    logout: MessagePayload!
    logoutEverywhere: MessagePayload!
    revokeSession(id: ID!): MessagePayload!
    changePassword(currentPassword: String!, newPassword: String!): AuthPayload!
    requestEmailChange(newEmail: String!, password: String!): MessagePayload!
    finalizeEmailChange(token: String): AuthPayload!
    changeUsername(username: String!): User!
    deleteAccount(password: String!): MessagePayload!
    exportAccount(password: String!): JSON!
    setUserRoles(id: ID!, roles: [Role!]!): User!
    deactivateUser(id: ID!): User!
    reactivateUser(id: ID!): User!
    endUserSessions(id: ID!): User!
  }

  type MessagePayload { message: String! }
  type AuthPayload { accessToken: String! expiresAt: DateTimeISO! user: User! refreshToken: String }
  type User { id: ID! username: String! email: String! roles: [Role!]! isActive: Boolean! createdAt: DateTimeISO! }
  enum Role { USER ADMIN }
  scalar DateTimeISO
  scalar JSON

  type Session {
    id: ID! device: String address: String createdAt: DateTimeISO! lastUsedAt: DateTimeISO! current: Boolean!
  }
  type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type UserConnection { edges: [UserEdge!]! pageInfo: PageInfo! }
  type UserEdge { cursor: String! node: User! }
  type AccountEventConnection { edges: [AccountEventEdge!]! pageInfo: PageInfo! }
  type AccountEventEdge { cursor: String! node: AccountEvent! }
  type AccountEvent {
    id: ID! type: AccountEventType! occurredAt: DateTimeISO! address: String device: String
    actor: AccountEventActor! actorId: ID
  }
  enum AccountEventActor { ANYONE OWNER ADMIN OPERATOR }
  enum AccountEventType {
    REGISTERED CONFIRMATION_REQUESTED ACTIVATED LOGGED_IN LOGIN_FAILED PASSWORD_REFUSED LOGGED_OUT SESSION_REVOKED
    SESSIONS_ENDED REFRESH_TOKEN_REUSED RESET_REQUESTED PASSWORD_RESET PASSWORD_CHANGED EMAIL_CHANGE_REQUESTED
    EMAIL_CHANGED EMAIL_CHANGE_UNDONE USERNAME_CHANGED EXPORTED DELETION_REQUESTED RESTORED ROLES_CHANGED DEACTIVATED
    REACTIVATED IMPORTED
  }

  directive @errors(codes: [AccountErrorCode!]!) on FIELD_DEFINITION
  enum AccountErrorCode {
    USERNAME_TAKEN EMAIL_TAKEN BAD_USER_INPUT WEAK_PASSWORD INVALID_CREDENTIALS ACCOUNT_NOT_ACTIVATED
    EMAIL_NOT_FOUND ALREADY_ACTIVATED INVALID_TOKEN UNAUTHENTICATED FORBIDDEN NOT_FOUND LAST_ADMIN
    ACCOUNT_DEACTIVATED SERVER_BUSY RATE_LIMITED
  }`;

const emitted = () => createSchema({} as unknown as Accounts);

test("schema.graphql is the emitted schema (npm run schema writes it)", async () => {
  expect(readFileSync("schema.graphql", "utf8")).toBe(printSchemaWithDirectives(await emitted()) + "\n");
});

test("a client of the contract works with the emitted schema", async () => {
  expect(findBreakingChanges(buildSchema(CONTRACT), await emitted())).toEqual([]);
});

test("the list of error codes is closed: the schema has those of the contract and no other", async () => {
  const codes = (schema: GraphQLSchema) => {
    const type = schema.getType("AccountErrorCode");
    return isEnumType(type) ? type.getValues().map(({ name }) => name) : [];
  };
  expect(codes(await emitted()).sort()).toEqual(codes(buildSchema(CONTRACT)).sort());
});

test("every field of Query and Mutation says which codes it can raise", async () => {
  const schema = await emitted();
  const fields = [schema.getQueryType()!, schema.getMutationType()!].flatMap((type) =>
    Object.values(type.getFields()),
  );
  expect(fields.length).toBeGreaterThan(0);
  for (const field of fields) {
    const directives = field.astNode?.directives?.map(({ name }) => name.value);
    expect(directives, field.name).toContain("errors");
  }
});

test("everything public has a description", async () => {
  expect(undescribed(await emitted())).toEqual([]);
});

/** Coordinates of what has no description. The root types say nothing that their fields do not. */
function undescribed(schema: GraphQLSchema): string[] {
  const roots = [schema.getQueryType(), schema.getMutationType()];
  const described: [string, string | null | undefined][] = [];
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    if (!roots.includes(type as never)) described.push([type.name, type.description]);
    if (isEnumType(type)) {
      for (const value of type.getValues()) described.push([`${type.name}.${value.name}`, value.description]);
    }
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      described.push([`${type.name}.${field.name}`, field.description]);
      for (const argument of field.args)
        described.push([`${type.name}.${field.name}(${argument.name})`, argument.description]);
    }
  }
  for (const directive of schema.getDirectives().filter((each) => !isSpecifiedDirective(each))) {
    described.push([`@${directive.name}`, directive.description]);
    for (const argument of directive.args)
      described.push([`@${directive.name}(${argument.name})`, argument.description]);
  }
  expect(described.length).toBeGreaterThan(0);
  return described.filter(([, description]) => !description).map(([coordinate]) => coordinate);
}

test("no object type but those of the contract can be reached", async () => {
  const schema = await emitted();
  const promised = Object.values(buildSchema(CONTRACT).getTypeMap()).filter(
    (type) => isObjectType(type) && !isIntrospectionType(type),
  );
  const reached = new Set<string>();
  const visit = (name: string) => {
    if (reached.has(name)) return;
    reached.add(name);
    const type = schema.getType(name);
    if (isObjectType(type))
      Object.values(type.getFields()).forEach((field) => visit(getNamedType(field.type).name));
  };
  visit("Query");
  visit("Mutation");
  const objects = [...reached].filter((name) => isObjectType(schema.getType(name)));
  expect(objects.sort()).toEqual(promised.map(({ name }) => name).sort());
});

test("the web client's types are those of schema.graphql (npm run schema writes both)", async () => {
  const written = join(await temporaryFolder(), "graphql-env.d.ts");
  const args = ["generate-output", "--tsconfig", "web/tsconfig.json", "--output", written];
  await promisify(execFile)("node_modules/.bin/gql.tada", args);
  expect(readFileSync("web/src/graphql-env.d.ts", "utf8")).toBe(readFileSync(written, "utf8"));
});
