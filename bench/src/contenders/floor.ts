// The floor server, on the account server's tables and with tokens made here; it can answer `me` alone.
import { fileURLToPath } from "node:url";

import jwt from "jsonwebtoken";

import type { HttpRequest, Person, ServerProgram } from "../contender.ts";
import { accountServer, JWT_SECRET, userOf } from "./account-server.ts";

const SERVER = fileURLToPath(new URL("floor-server.ts", import.meta.url));

export const floor = {
  name: "floor",
  program: ({ databaseUrl, port }: { databaseUrl: string; port: number }): ServerProgram => ({
    command: "node",
    args: [SERVER],
    env: { NODE_ENV: "production", DATABASE_URL: databaseUrl, PORT: String(port) },
    readyPath: "/readyz",
  }),
  me: (person: Person): HttpRequest =>
    accountServer.requests.me(jwt.sign({}, JWT_SECRET, { subject: userOf(person), expiresIn: "1h" })),
};
