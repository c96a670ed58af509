// Vendure: a shop server, of which only the customer accounts are measured.
import type { Contender, HttpRequest, LoadedTable, Operation } from "../../contender.ts";
import { at, headerOf, isText, jsonOf } from "../answers.ts";
import { REGISTERED_AT } from "../people.ts";
import { nodeProgram } from "../program.ts";

// What Vendure creates at its first start.
const CUSTOMER_ROLE = "2";
const DEFAULT_CHANNEL = "1";

/** Leaves lower IDs for the administrator and for users who registered earlier. */
const FIRST_ID = 1000;
const idOf = (number: number) => String(FIRST_ID + number);

/** Each account has two history entries. */
function history(type: string, which: 0 | 1): LoadedTable {
  return {
    table: "public.history_entry",
    columns: [
      "id",
      `"createdAt"`,
      `"updatedAt"`,
      "type",
      `"isPublic"`,
      "data",
      "discriminator",
      `"customerId"`,
    ],
    rowOf: ({ number }) => [
      String(2 * (FIRST_ID + number) + which),
      REGISTERED_AT,
      REGISTERED_AT,
      type,
      "f",
      `{"strategy":"native"}`,
      "CustomerHistoryEntry",
      idOf(number),
    ],
  };
}

export const vendure: Contender = {
  name: "vendure",
  program: (surroundings) =>
    nodeProgram(new URL("server.ts", import.meta.url), surroundings, "/health", {
      VENDURE_DISABLE_TELEMETRY: "true",
    }),
  tables: [
    {
      table: `public."user"`,
      columns: ["id", `"createdAt"`, `"updatedAt"`, "identifier", "verified", `"lastLogin"`],
      rowOf: ({ number, email }) => [
        idOf(number),
        REGISTERED_AT,
        REGISTERED_AT,
        email.toLowerCase(),
        "t",
        REGISTERED_AT,
      ],
    },
    {
      table: "public.authentication_method",
      columns: ["id", `"createdAt"`, `"updatedAt"`, "identifier", `"passwordHash"`, "type", `"userId"`],
      rowOf: ({ number, email }, passwordHash) => [
        idOf(number),
        REGISTERED_AT,
        REGISTERED_AT,
        email.toLowerCase(),
        passwordHash,
        "NativeAuthenticationMethod",
        idOf(number),
      ],
    },
    {
      table: "public.user_roles_role",
      columns: [`"userId"`, `"roleId"`],
      rowOf: ({ number }) => [idOf(number), CUSTOMER_ROLE],
    },
    {
      table: "public.customer",
      columns: [
        "id",
        `"createdAt"`,
        `"updatedAt"`,
        "title",
        `"firstName"`,
        `"lastName"`,
        `"phoneNumber"`,
        `"emailAddress"`,
        `"userId"`,
      ],
      rowOf: ({ number, username, email }) => [
        idOf(number),
        REGISTERED_AT,
        REGISTERED_AT,
        "",
        username,
        "",
        "",
        email.toLowerCase(),
        idOf(number),
      ],
    },
    {
      table: "public.customer_channels_channel",
      columns: [`"customerId"`, `"channelId"`],
      rowOf: ({ number }) => [idOf(number), DEFAULT_CHANNEL],
    },
    history("CUSTOMER_REGISTERED", 0),
    history("CUSTOMER_VERIFIED", 1),
  ],
  afterLoading: [
    ...[`public."user"`, "public.authentication_method", "public.customer", "public.history_entry"].map(
      (table) => `select setval(pg_get_serial_sequence('${table}', 'id'), max(id)) from ${table}`,
    ),
    // Vendure lacks these indexes. Without them, each login and each use of a token scans all accounts.
    `create index on public."user" (lower(identifier))`,
    `create index on public.authentication_method ("verificationToken")`,
    `create index on public.authentication_method ("passwordResetToken")`,
    `create index on public.customer ("emailAddress")`,
  ],
  requests: {
    me: (credential) => ({
      ...post("query { activeCustomer { id emailAddress firstName } }", {}),
      headers: { "content-type": "application/json", authorization: `Bearer ${credential}` },
    }),
    login: (username, password) =>
      post(
        `mutation ($username: String!, $password: String!) {
          login(username: $username, password: $password) { ${CURRENT_USER} }
        }`,
        { username, password },
      ),
    register: ({ username, email, password }) =>
      post(
        `mutation ($input: RegisterCustomerInput!) {
          registerCustomerAccount(input: $input) { ${SUCCESS} }
        }`,
        { input: { emailAddress: email, firstName: username, lastName: "", password } },
      ),
    finalizeRegistration: (token) =>
      post(`mutation ($token: String!) { verifyCustomerAccount(token: $token) { ${CURRENT_USER} } }`, {
        token,
      }),
    requestReset: (email) =>
      post(`mutation ($email: String!) { requestPasswordReset(emailAddress: $email) { ${SUCCESS} } }`, {
        email,
      }),
    finalizeReset: (token, password) =>
      post(
        `mutation ($token: String!, $password: String!) {
          resetPassword(token: $token, password: $password) { ${CURRENT_USER} }
        }`,
        { token, password },
      ),
  },
  check(operation, answer) {
    const body = jsonOf(answer);
    const isWithoutErrors = answer.status === 200 && at(body, "errors") === undefined;
    if (isWithoutErrors && successes[operation](at(body, "data"))) return;
    throw new Error(`vendure, ${operation}: ${answer.status} ${answer.body}`);
  },
  credentialOf: (login) => headerOf(login, "vendure-auth-token"),
};

const FAULT = "... on ErrorResult { errorCode message }";
const SUCCESS = `__typename ... on Success { success } ${FAULT}`;
const CURRENT_USER = `__typename ... on CurrentUser { id identifier } ${FAULT}`;

const isA = (field: string, type: string) => (data: unknown) => at(data, field, "__typename") === type;

const successes: Record<Operation, (data: unknown) => boolean> = {
  me: (data) => isText(at(data, "activeCustomer", "emailAddress")),
  login: isA("login", "CurrentUser"),
  refusedLogin: isA("login", "InvalidCredentialsError"),
  register: isA("registerCustomerAccount", "Success"),
  finalizeRegistration: isA("verifyCustomerAccount", "CurrentUser"),
  requestReset: isA("requestPasswordReset", "Success"),
  finalizeReset: isA("resetPassword", "CurrentUser"),
};

function post(query: string, variables: object): HttpRequest {
  return {
    method: "POST",
    path: "/shop-api",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  };
}
