// Serves the schema with its directives as text, for code generators and people who have only the server's URL.
import { readFileSync } from "node:fs";

import type { FastifyInstance } from "fastify";

import { COMPRESSED } from "./compression.ts";

const SCHEMA = readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8");

export function serveSchema(http: FastifyInstance): void {
  http.get("/schema.graphql", { compress: COMPRESSED }, (_request, reply) =>
    reply.type("text/plain; charset=utf-8").send(SCHEMA),
  );
}
