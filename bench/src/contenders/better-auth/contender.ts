// Better Auth: a library for sessions, email and password, measured here as a separate server.
import type { Contender, HttpRequest, Operation } from "../../contender.ts";
import { at, headerOf, isText, jsonOf } from "../answers.ts";
import { REGISTERED_AT, scatteredId } from "../people.ts";
import { nodeProgram } from "../program.ts";

const API = "/api/auth";

export const betterAuth: Contender = {
  name: "better-auth",
  program: (surroundings) => nodeProgram(new URL("server.ts", import.meta.url), surroundings, `${API}/ok`),
  tables: [
    {
      table: `public."user"`,
      columns: ["id", "name", "email", `"emailVerified"`, `"createdAt"`, `"updatedAt"`],
      rowOf: ({ number, username, email }) => [
        scatteredId("user", number),
        username,
        email.toLowerCase(),
        "t",
        REGISTERED_AT,
        REGISTERED_AT,
      ],
    },
    {
      table: "public.account",
      columns: ["id", `"accountId"`, `"providerId"`, `"userId"`, "password", `"createdAt"`, `"updatedAt"`],
      rowOf: ({ number }, passwordHash) => [
        scatteredId("account", number),
        scatteredId("user", number),
        "credential",
        scatteredId("user", number),
        passwordHash,
        REGISTERED_AT,
        REGISTERED_AT,
      ],
    },
  ],
  afterLoading: [],
  requests: {
    me: (credential) => ({
      method: "GET",
      path: `${API}/get-session`,
      headers: { authorization: `Bearer ${credential}` },
    }),
    login: (name, password) => post("/sign-in/email", { email: name, password }),
    register: ({ username, email, password }) => post("/sign-up/email", { name: username, email, password }),
    finalizeRegistration: (token) => ({
      method: "GET",
      path: `${API}/verify-email?token=${encodeURIComponent(token)}`,
      headers: {},
    }),
    requestReset: (email) => post("/request-password-reset", { email }),
    finalizeReset: (token, newPassword) => post("/reset-password", { token, newPassword }),
  },
  check(operation, answer) {
    const body = jsonOf(answer);
    const status = operation === "refusedLogin" ? 401 : 200;
    if (answer.status === status && successes[operation](body)) return;
    throw new Error(`better-auth, ${operation}: ${answer.status} ${answer.body}`);
  },
  credentialOf: (login) => headerOf(login, "set-auth-token"),
};

const isDone = (body: unknown) => at(body, "status") === true;

const successes: Record<Operation, (body: unknown) => boolean> = {
  me: (body) => isText(at(body, "user", "email")),
  login: (body) => isText(at(body, "token")),
  refusedLogin: (body) => at(body, "code") === "INVALID_EMAIL_OR_PASSWORD",
  register: (body) => isText(at(body, "user", "id")),
  finalizeRegistration: isDone,
  requestReset: isDone,
  finalizeReset: isDone,
};

function post(path: string, body: Readonly<Record<string, string>>): HttpRequest {
  return {
    method: "POST",
    path: API + path,
    headers: { "content-type": "application/json", origin: "http://app.test" },
    body: JSON.stringify(body),
  };
}
