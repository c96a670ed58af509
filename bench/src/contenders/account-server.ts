// The account server, built, as an operator runs it in production.
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";

import type { Contender, HttpAnswer, HttpRequest, Person } from "../contender.ts";

const MAIN = fileURLToPath(new URL("../../../dist/main.js", import.meta.url));
export const JWT_SECRET = "a secret of the bench, which protects nothing at all";
const NOW = "2026-01-01T00:00:00Z";
const FAR = "2126-01-01T00:00:00Z";

export const accountServer: Contender = {
  name: "account-server",
  program: ({ databaseUrl, smtpPort, port, workers }) => ({
    command: "node",
    args: [MAIN],
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
        uuid("user", person),
        person.username,
        person.email,
        hash,
        "{USER}",
        "t",
        "1",
        NOW,
        NOW,
      ],
    },
    {
      table: "accounts.sessions",
      columns: ["id", "user_id", "created_at", "last_used_at", "expires_at"],
      rowOf: (person) => [uuid("session", person), uuid("user", person), NOW, NOW, FAR],
    },
    {
      table: "accounts.refresh_tokens",
      columns: ["hash", "session_id"],
      rowOf: (person) => [`\\x${sha256("token", person)}`, uuid("session", person)],
    },
    {
      table: "accounts.account_events",
      columns: ["user_id", "type", "occurred_at", "actor"],
      rowOf: (person) => [uuid("user", person), "LOGGED_IN", NOW, "OWNER"],
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
  return uuid("user", person);
}

interface GraphQLAnswer {
  data?: Record<string, { accessToken?: string } | undefined> | null;
  errors?: { extensions: { code: string } }[];
}

function parse(answer: HttpAnswer): GraphQLAnswer {
  return JSON.parse(answer.body) as GraphQLAnswer;
}

export function graphql(query: string, variables: Record<string, string>, token?: string): HttpRequest {
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

function sha256(kind: string, { number }: Person): string {
  return createHash("sha256").update(`${kind} ${number}`).digest("hex");
}

/** Scattered as random ones are, but known. */
function uuid(kind: string, person: Person): string {
  return sha256(kind, person).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-4$3-8$4-$5");
}
