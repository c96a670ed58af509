// Serves the web client at `/`.
import type { FastifyInstance } from "fastify";

import { servePage } from "./web-pages.ts";

/** What the web client needs to know about this server; the same for every visitor. */
export interface WebClientSettings {
  readonly appName: string;
  /** In characters. */
  readonly passwordMinLength: number;
  readonly hasGraphiQL: boolean;
  readonly hasMailbox: boolean;
}

export function serveWebClient(http: FastifyInstance, settings: WebClientSettings): void {
  // Copied by name: a larger object, such as the whole configuration with its secrets, would also fit the type.
  const { appName, passwordMinLength, hasGraphiQL, hasMailbox } = settings;
  servePage(http, "/", {
    file: "index.html",
    settings: { appName, passwordMinLength, hasGraphiQL, hasMailbox },
  });
}
