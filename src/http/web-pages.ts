// Serves the pages that Vite builds from web/ into dist/web, and the files that they load.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";

const BUILD = fileURLToPath(new URL("../../dist/web", import.meta.url));
const PLACE_OF_SETTINGS = 'name="server-settings" content="{}"';

export interface WebPage {
  /** The name of the page's file in dist/web. */
  readonly file: string;
  /** What the page needs to know about this server; the same for every visitor. */
  readonly settings: object;
  /** The sources of styles and images in the Content-Security-Policy; by default only this server. */
  readonly styles?: string;
  readonly images?: string;
}

/** The page can load only what comes from this server, and run no inline script. */
export function servePage(http: FastifyInstance, path: string, page: WebPage): void {
  const { settings, styles = "'self'", images = "'self'" } = page;
  const file = join(BUILD, page.file);
  if (!existsSync(file)) {
    throw new Error(`The page at ${path} is not built: ${file} is missing. Run \`npm run build\`.`);
  }
  const content = JSON.stringify(settings).replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  const html = readFileSync(file, "utf8").replace(
    PLACE_OF_SETTINGS,
    () => `name="server-settings" content="${content}"`,
  );
  const policy =
    `default-src 'none'; script-src 'self'; style-src ${styles}; img-src ${images}; connect-src 'self'; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  http.get(path, (_request, reply) =>
    reply.type("text/html; charset=utf-8").header("content-security-policy", policy).send(html),
  );
}

/** Serves the files that the pages load. */
export async function servePageFiles(http: FastifyInstance): Promise<void> {
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
