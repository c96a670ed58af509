// The account server, built and run as in production.
import { fileURLToPath } from "node:url";

import manifest from "../../../package.json" with { type: "json" };
import { RATE_LIMITS } from "../../../src/accounts/rules/rate-limits.ts";
import type { Contender, HttpAnswer, HttpRequest, Person } from "../contender.ts";
import { REGISTERED_AT, scatteredUuid } from "./people.ts";

/** The same option as in `npm start`. */
const [command = "", ...flags] = manifest.scripts.start.split(" ");
const MAIN = fileURLToPath(new URL(`../../../${flags.pop()}`, import.meta.url));
export const JWT_SECRET = "a secret of the bench, which protects nothing at all";
/** Everything is counted as in production, but nothing is refused: all load comes from one address. */
const RAISED_LIMITS = Object.keys(RATE_LIMITS)
  .map((name) => `${name}=999999999`)
  .join(",");
const NEVER = "2126-01-01 00:00:00Z";

export const accountServer: Contender = {
  name: "account-server",
  program: ({ databaseUrl, smtpPort, port, workers }) => ({
    command,
    args: [...flags, MAIN],
    env: {
      NODE_ENV: "production",
      DATABASE_URL: databaseUrl,
      PORT: String(port),
      WORKERS: String(workers),
      JWT_SECRET,
      MAIL_SERVER: "127.0.0.1",
      MAIL_PORT: String(smtpPort),
      MAIL_DEFAULT_SENDER: "bench@bench.test",
      CONFIRMATION_URI: "https://app.bench.test/#/finalize",
      RESET_URI: "https://app.bench.test/#/reset",
      RATE_LIMITS: RAISED_LIMITS,
      HIDE_ACCOUNT_EXISTENCE: "false",
      LOG_LEVEL: "warn",
    },
    readyPath: "/readyz",
  }),
  tables: [
    {
      table: "accounts.users",
      columns: [
        "id",
        "username",
        "email",
        "password_hash",
        "roles",
        "is_active",
        "credential_version",
        "created_at",
        "updated_at",
      ],
      rowOf: (person, hash) => [
        scatteredUuid("user", person.number),
        person.username,
        person.email,
        hash,
        "{USER}",
        "t",
        "1",
        REGISTERED_AT,
        REGISTERED_AT,
      ],
    },
    {
      table: "accounts.sessions",
      columns: ["id", "user_id", "created_at", "last_used_at", "expires_at"],
      rowOf: (person) => [
        scatteredUuid("session", person.number),
        scatteredUuid("user", person.number),
        REGISTERED_AT,
        REGISTERED_AT,
        NEVER,
      ],
    },
    {
      table: "accounts.account_events",
      columns: ["user_id", "type", "occurred_at", "actor"],
      rowOf: (person) => [scatteredUuid("user", person.number), "LOGGED_IN", REGISTERED_AT, "OWNER"],
    },
  ],
  afterLoading: [],
  check(operation, answer) {
    const { data, errors } = parse(answer);
    const isGood =
      operation === "refusedLogin"
        ? errors?.[0]?.extensions.code === "INVALID_CREDENTIALS"
        : !errors && data?.[operation];
    if (!isGood) throw new Error(`${operation}: ${answer.status} ${answer.body}`);
  },
  requests: {
    me: (token) => graphql("query Me { me { id username email roles isActive createdAt } }", {}, token),
    login: (username, password) =>
      graphql(
        `
          mutation Login($username: String!, $password: String!) {
            login(username: $username, password: $password) {
              accessToken
              expiresAt
              user {
                id
              }
            }
          }
        `,
        { username, password },
      ),
    register: ({ username, email, password }) =>
      graphql(
        `
          mutation Register($username: String!, $email: String!, $password: String!) {
            register(username: $username, email: $email, password: $password) {
              message
            }
          }
        `,
        { username, email, password },
      ),
    finalizeRegistration: (token) =>
      graphql(
        `
          mutation FinalizeRegistration($token: String) {
            finalizeRegistration(token: $token) {
              accessToken
              expiresAt
              user {
                id
              }
            }
          }
        `,
        { token },
      ),
    requestReset: (email) =>
      graphql(
        `
          mutation RequestReset($email: String!) {
            requestReset(email: $email) {
              message
            }
          }
        `,
        { email },
      ),
    finalizeReset: (token, password) =>
      graphql(
        `
          mutation FinalizeReset($token: String, $password: String!) {
            finalizeReset(token: $token, password: $password) {
              accessToken
              expiresAt
              user {
                id
              }
            }
          }
        `,
        { token, password },
      ),
  },
  credentialOf: (answer) => parse(answer).data?.["login"]?.accessToken ?? "",
};

export function userOf(person: Person): string {
  return scatteredUuid("user", person.number);
}

interface GraphQLAnswer {
  data?: Record<string, { accessToken?: string } | undefined> | null;
  errors?: { extensions: { code: string } }[];
}

function parse(answer: HttpAnswer): GraphQLAnswer {
  return JSON.parse(answer.body) as GraphQLAnswer;
}

export function graphql(query: string, variables: Record<string, unknown>, token?: string): HttpRequest {
  return {
    method: "POST",
    path: "/graphql",
    headers: {
      "content-type": "application/json",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  };
}
