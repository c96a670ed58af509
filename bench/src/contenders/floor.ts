// The floor server, which answers only `me`, with the account server's tables and tokens created here.
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
