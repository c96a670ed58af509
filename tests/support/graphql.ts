// The public door: every operation of the contract, sent as GraphQL over HTTP. Each expected error is held against
// the @errors list that schema.graphql gives its field.
import { readFileSync } from "node:fs";

import { buildSchema, getDirectiveValues, type GraphQLSchema } from "graphql";
import { expect } from "vitest";

export interface GraphQLErrorBody {
  readonly message: string;
  readonly path?: string[];
  readonly extensions: {
    readonly code: string;
    readonly id?: string;
    readonly field?: string;
    readonly fields?: { field: string; message: string }[];
  };
}

export interface Answer<Data> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly data: Data | null | undefined;
  readonly errors: GraphQLErrorBody[];
}

export interface UserFields {
  id: string;
  username: string;
  email: string;
  roles: string[];
  isActive: boolean;
  createdAt: string;
}
export interface Auth {
  accessToken: string;
  expiresAt: string;
  user: UserFields;
  refreshToken: string | null;
}
export interface SessionFields {
  id: string;
  device: string | null;
  address: string | null;
  createdAt: string;
  lastUsedAt: string;
  current: boolean;
}
export interface EventFields {
  id: string;
  type: string;
  occurredAt: string;
  address: string | null;
  device: string | null;
  actor: string;
  actorId: string | null;
}
export interface Connection<Node> {
  edges: { cursor: string; node: Node }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}
export interface Paging {
  first?: number;
  after?: string | null;
}
export interface Message {
  message: string;
}
type HeadersGiven = Record<string, string>;

const USER = "{ id username email roles isActive createdAt }";
const AUTH = `{ accessToken expiresAt refreshToken user ${USER} }`;
const EVENT = "{ id type occurredAt address device actor actorId }";
const connection = (node: string) =>
  `{ edges { cursor node ${node} } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;
const bearer = (accessToken: string): HeadersGiven => ({ authorization: `Bearer ${accessToken}` });

export const schema: GraphQLSchema = buildSchema(readFileSync("schema.graphql", "utf8"));

/** The codes that schema.graphql says a field of Query or Mutation can raise. */
export const listedCodes = new Map(
  [schema.getQueryType(), schema.getMutationType()]
    .flatMap((type) => Object.values(type?.getFields() ?? {}))
    .map((field) => [
      field.name,
      getDirectiveValues(schema.getDirective("errors")!, field.astNode!)?.["codes"] as string[],
    ]),
);

export class GraphQLDoor {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** Any request to /graphql. */
  async send(init: RequestInit, path = "/graphql"): Promise<Answer<Record<string, unknown>>> {
    const response = await fetch(this.url + path, init);
    const text = await response.text();
    const body = JSON.parse(text) as { data?: Record<string, unknown> | null; errors?: GraphQLErrorBody[] };
    const errors = body.errors ?? [];
    for (const { message, extensions } of errors) {
      expect(message, "every error has a message").toEqual(expect.any(String));
      expect(extensions.code, "every error has a code").toEqual(expect.any(String));
    }
    return { status: response.status, headers: response.headers, text, data: body.data, errors };
  }

  execute(query: string, variables: Record<string, unknown> = {}, headers: HeadersGiven = {}) {
    return this.send({
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ query, variables }),
    });
  }

  register(
    args: { username: string; email: string; password: string; locale?: string | null },
    headers: HeadersGiven = {},
  ) {
    return this.#field<Message>(
      "register",
      "mutation ($username: String!, $email: String!, $password: String!, $locale: String)",
      "username: $username, email: $email, password: $password, locale: $locale",
      "{ message }",
      args,
      headers,
    );
  }

  finalizeRegistration(args: { token?: string | null }, headers: HeadersGiven = {}) {
    return this.#field<Auth>(
      "finalizeRegistration",
      "mutation ($token: String)",
      "token: $token",
      AUTH,
      args,
      headers,
    );
  }

  resendRegistration(email: string) {
    return this.#field<Message>(
      "resendRegistration",
      "mutation ($email: String!)",
      "email: $email",
      "{ message }",
      { email },
    );
  }

  login(username: string, password: string) {
    return this.#field<Auth>(
      "login",
      "mutation ($username: String!, $password: String!)",
      "username: $username, password: $password",
      AUTH,
      { username, password },
    );
  }

  requestReset(email: string) {
    return this.#field<Message>(
      "requestReset",
      "mutation ($email: String!)",
      "email: $email",
      "{ message }",
      { email },
    );
  }

  finalizeReset(args: { token?: string | null; password: string }, headers: HeadersGiven = {}) {
    return this.#field<Auth>(
      "finalizeReset",
      "mutation ($token: String, $password: String!)",
      "token: $token, password: $password",
      AUTH,
      args,
      headers,
    );
  }

  me(accessToken?: string) {
    return this.meWith(accessToken === undefined ? {} : bearer(accessToken));
  }

  meWith(headers: HeadersGiven) {
    return this.#field<UserFields | null>("me", "query", "", USER, {}, headers);
  }

  refreshSession(args: { refreshToken?: string | null }, headers: HeadersGiven = {}) {
    return this.#field<Auth>(
      "refreshSession",
      "mutation ($refreshToken: String)",
      "refreshToken: $refreshToken",
      AUTH,
      args,
      headers,
    );
  }

  sessions(accessToken: string) {
    const fields = "{ id device address createdAt lastUsedAt current }";
    return this.#field<SessionFields[]>("sessions", "query", "", fields, {}, bearer(accessToken));
  }

  logout(accessToken: string, headers: HeadersGiven = {}) {
    const given = { ...bearer(accessToken), ...headers };
    return this.#field<Message>("logout", "mutation", "", "{ message }", {}, given);
  }

  logoutEverywhere(accessToken: string) {
    return this.#field<Message>("logoutEverywhere", "mutation", "", "{ message }", {}, bearer(accessToken));
  }

  revokeSession(accessToken: string, id: string) {
    return this.#field<Message>(
      "revokeSession",
      "mutation ($id: ID!)",
      "id: $id",
      "{ message }",
      { id },
      bearer(accessToken),
    );
  }

  changePassword(accessToken: string, args: { currentPassword: string; newPassword: string }) {
    return this.#field<Auth>(
      "changePassword",
      "mutation ($currentPassword: String!, $newPassword: String!)",
      "currentPassword: $currentPassword, newPassword: $newPassword",
      AUTH,
      args,
      bearer(accessToken),
    );
  }

  requestEmailChange(accessToken: string, args: { newEmail: string; password: string }) {
    return this.#field<Message>(
      "requestEmailChange",
      "mutation ($newEmail: String!, $password: String!)",
      "newEmail: $newEmail, password: $password",
      "{ message }",
      args,
      bearer(accessToken),
    );
  }

  finalizeEmailChange(args: { token?: string | null }, headers: HeadersGiven = {}) {
    return this.#field<Auth>(
      "finalizeEmailChange",
      "mutation ($token: String)",
      "token: $token",
      AUTH,
      args,
      headers,
    );
  }

  changeUsername(accessToken: string, username: string) {
    return this.#field<UserFields>(
      "changeUsername",
      "mutation ($username: String!)",
      "username: $username",
      USER,
      { username },
      bearer(accessToken),
    );
  }

  deleteAccount(accessToken: string, password: string) {
    return this.#field<Message>(
      "deleteAccount",
      "mutation ($password: String!)",
      "password: $password",
      "{ message }",
      { password },
      bearer(accessToken),
    );
  }

  exportAccount(accessToken: string, password: string) {
    return this.#field<Record<string, unknown>>(
      "exportAccount",
      "mutation ($password: String!)",
      "password: $password",
      "",
      { password },
      bearer(accessToken),
    );
  }

  recentActivity(accessToken: string, paging: Paging = {}) {
    return this.#field<Connection<EventFields>>(
      "recentActivity",
      "query ($first: Int! = 20, $after: String)",
      "first: $first, after: $after",
      connection(EVENT),
      paging as Record<string, unknown>,
      bearer(accessToken),
    );
  }

  users(accessToken: string, args: Paging & { search?: string } = {}) {
    return this.#field<Connection<UserFields>>(
      "users",
      "query ($first: Int! = 20, $after: String, $search: String)",
      "first: $first, after: $after, search: $search",
      connection(USER),
      args as Record<string, unknown>,
      bearer(accessToken),
    );
  }

  user(accessToken: string, id: string) {
    return this.#field<UserFields>("user", "query ($id: ID!)", "id: $id", USER, { id }, bearer(accessToken));
  }

  accountEvents(accessToken: string, userId: string, paging: Paging = {}) {
    return this.#field<Connection<EventFields>>(
      "accountEvents",
      "query ($userId: ID!, $first: Int! = 20, $after: String)",
      "userId: $userId, first: $first, after: $after",
      connection(EVENT),
      { userId, ...paging },
      bearer(accessToken),
    );
  }

  setUserRoles(accessToken: string, id: string, roles: string[]) {
    return this.#field<UserFields>(
      "setUserRoles",
      "mutation ($id: ID!, $roles: [Role!]!)",
      "id: $id, roles: $roles",
      USER,
      { id, roles },
      bearer(accessToken),
    );
  }

  deactivateUser(accessToken: string, id: string) {
    return this.#administer("deactivateUser", accessToken, id);
  }

  reactivateUser(accessToken: string, id: string) {
    return this.#administer("reactivateUser", accessToken, id);
  }

  endUserSessions(accessToken: string, id: string) {
    return this.#administer("endUserSessions", accessToken, id);
  }

  #administer(name: string, accessToken: string, id: string) {
    return this.#field<UserFields>(name, "mutation ($id: ID!)", "id: $id", USER, { id }, bearer(accessToken));
  }

  /** The data of an answer that has no errors. */
  succeed<Data>(answer: Answer<Data>): Data {
    expect(answer.errors).toEqual([]);
    expect(answer.status).toBe(200);
    return answer.data as Data;
  }

  /** The one error of an operation that was executed and refused with `code`. */
  refuse(answer: Answer<unknown>, code: string): GraphQLErrorBody {
    expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual([code]);
    expect(answer.status).toBe(200);
    return answer.errors[0]!;
  }

  async #field<Data>(
    name: string,
    operation: string,
    args: string,
    selection: string,
    variables: Record<string, unknown>,
    headers: HeadersGiven = {},
  ): Promise<Answer<Data>> {
    const query = `${operation} { ${name}${args && `(${args})`} ${selection} }`;
    const answer = await this.execute(query, variables, headers);
    const listed = [...(listedCodes.get(name) ?? []), "INTERNAL_SERVER_ERROR"];
    for (const { extensions } of answer.errors)
      expect(listed, `the @errors list of ${name}`).toContain(extensions.code);
    return { ...answer, data: answer.data?.[name] as Data | null | undefined };
  }
}
