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

export function serveWebClient(http: FastifyInstance, settings: WebClientSettings): void {
  // Copied by name: a larger object, such as the whole configuration with its secrets, would also fit the type.
  const { appName, passwordMinLength, corsOrigins, hasGraphiQL, hasMailbox } = settings;
  servePage(http, "/", {
    file: "index.html",
    settings: { appName, passwordMinLength, corsOrigins, hasGraphiQL, hasMailbox },
  });
}
