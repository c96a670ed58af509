// Serves the web client at `/`.
import type { FastifyInstance } from "fastify";

import { servePage } from "./web-pages.ts";

/** What the web client needs to know about this server; the same for every visitor. */
export interface WebClientSettings {
  readonly appName: string;
  /** In characters. */
  readonly passwordMinLength: number;
  /** The origins of front ends, whose pages may send people here and get them back. */
  readonly corsOrigins: readonly string[];
  readonly hasGraphiQL: boolean;
  readonly hasMailbox: boolean;
}

/** Paths that people type and other sites link to, and the pages that they mean. */
const PATHS: Readonly<Record<string, string>> = {
  "/login": "/login",
  "/register": "/register",
  "/forgot-password": "/forgot-password",
  "/account": "/account",
  "/admin": "/users",
  // Of password managers (https://w3c.github.io/webappsec-change-password-url/).
  "/.well-known/change-password": "/account/password",
};

export function serveWebClient(http: FastifyInstance, settings: WebClientSettings): void {
  // Copied by name: a larger object, such as the whole configuration with its secrets, would also fit the type.
  const { appName, passwordMinLength, corsOrigins, hasGraphiQL, hasMailbox } = settings;
  servePage(http, "/", {
    file: "index.html",
    settings: { appName, passwordMinLength, corsOrigins, hasGraphiQL, hasMailbox },
  });
  for (const [path, page] of Object.entries(PATHS))
    http.get(path, (_request, reply) => reply.redirect(`/#${page}`, 302));
}
