// Serves the web client (web/, built into dist/web) at `/`.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";

const BUILD = fileURLToPath(new URL("../../dist/web", import.meta.url));
const PLACE_OF_SETTINGS = 'name="server-settings" content="{}"';
/** Allows only what comes from this server, and nothing inline. */
const SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** What the web client needs to know about this server; the same for every visitor. */
export interface WebClientSettings {
  readonly appName: string;
  /** In characters. */
  readonly passwordMinLength: number;
  readonly hasGraphiQL: boolean;
  readonly hasMailbox: boolean;
}

export async function serveWebClient(http: FastifyInstance, settings: WebClientSettings): Promise<void> {
  const page = join(BUILD, "index.html");
  if (!existsSync(page)) {
    throw new Error(
      `The web client is not built: ${page} is missing. Run \`npm run build\`, or set WEB_CLIENT=false.`,
    );
  }
  // Copied by name: a larger object, such as the whole configuration with its secrets, would also fit the type.
  const { appName, passwordMinLength, hasGraphiQL, hasMailbox } = settings;
  const told = JSON.stringify({ appName, passwordMinLength, hasGraphiQL, hasMailbox });
  const content = told.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  const html = readFileSync(page, "utf8").replace(
    PLACE_OF_SETTINGS,
    () => `name="server-settings" content="${content}"`,
  );
  http.get("/", (_request, reply) =>
    reply.type("text/html; charset=utf-8").header("content-security-policy", SECURITY_POLICY).send(html),
  );
  await http.register(fastifyStatic, {
    root: join(BUILD, "assets"),
    prefix: "/assets/",
    index: false,
    preCompressed: true,
    immutable: true, // file names contain a hash of the content
    maxAge: "365d",
  });
  http.get("/favicon.svg", (_request, reply) =>
    reply.sendFile("favicon.svg", BUILD, { immutable: false, maxAge: "1d" }),
  );
}
