// The web client at `/`.
import type { FastifyInstance } from "fastify";

import { servePage } from "./web-pages.ts";

/** What the client needs to know about this server. */
export interface WebClientSettings {
  readonly appName: string;
  /** In characters. */
  readonly passwordMinLength: number;
  readonly hasGraphiQL: boolean;
  readonly hasMailbox: boolean;
}

export function serveWebClient(http: FastifyInstance, settings: WebClientSettings): void {
  // By name: a larger object would fit the type, and tell its secrets.
  const { appName, passwordMinLength, hasGraphiQL, hasMailbox } = settings;
  servePage(http, "/", {
    file: "index.html",
    settings: { appName, passwordMinLength, hasGraphiQL, hasMailbox },
  });
}
