// The pages for people who develop, and that production has none of them.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { temporaryFolder } from "../support/process.ts";
import {
  openServer,
  PASSWORD,
  sharedServer,
  startServer,
  startWithMailbox,
  type TestServer,
} from "../support/server.ts";
import { expectRefusal } from "./refusal.ts";

const browser = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
const PRODUCTION = {
  NODE_ENV: "production",
  CONFIRMATION_URI: "https://app.example.com/#/finalize",
  RESET_URI: "https://app.example.com/#/reset",
};

async function page(server: TestServer, path: string): Promise<string> {
  const response = await fetch(server.url + path, { headers: browser });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/html; charset=utf-8$/i);
  return response.text();
}

describe("in development", () => {
  test.each(["/", "/graphql", "/mailbox"])("the page at %s loads nothing from another host", async (path) => {
    const server = await startWithMailbox();
    const html = await page(server, path);
    const loading =
      /<(?:script|link|img|iframe|source|embed)\b[^>]*?\s(?:src|href)\s*=\s*["']?(?:https?:)?\/\/[^>]*>/gi;
    expect(html.match(loading) ?? []).toEqual([]);
    expect(html.match(/@import\s+(?:url\()?["']?(?:https?:)?\/\/\S{0,80}/gi) ?? []).toEqual([]);
  });

  test("/graphql is GraphiQL for a browser that brings a query, too", async () => {
    const server = await startServer();
    expect(await page(server, "/graphql?query=%7Bme%7Bid%7D%7D")).toMatch(/graphiql/i);
  });

  test("/graphql is GraphiQL for a browser and the API for programs", async () => {
    const server = await startServer();
    expect(await page(server, "/graphql")).toMatch(/graphiql/i);
    const answer = await server.send({
      method: "POST",
      headers: { ...browser, "content-type": "application/json" },
      body: JSON.stringify({ query: "{ me { id } }" }),
    });
    expect(answer).toMatchObject({ status: 200, data: { me: null } });
  });

  test("the page at /graphql runs no script but its own", async () => {
    const server = await startServer();
    const response = await fetch(`${server.url}/graphql`, { headers: browser });
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    const policy = response.headers.get("content-security-policy") ?? "";
    const nonce = /script-src 'nonce-([^']+)'/.exec(policy)?.[1];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe-eval");
    const html = await response.text();
    expect(html.split(`<script nonce="${nonce}">`)).toHaveLength(2);
    expect(html.split("<script", 2)[1]).toMatch(/^ nonce/);
  });
});

test.each(["/livez", "/graphql", "/mailbox/messages", "/nowhere"])(
  "what is no page allows a browser nothing: %s",
  async (path) => {
    const server = await startWithMailbox();
    const { headers } = await fetch(server.url + path);
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    );
  },
);

describe("the web client", () => {
  test("is one page, kept nowhere, that runs and loads nothing but the server's own files", async () => {
    const server = await startServer({ env: PRODUCTION });
    const response = await fetch(server.url, { headers: browser });
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    expect(response.headers.get("content-security-policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
  });

  test("is told five things about the server, and no secret", async () => {
    const html = await page(await startServer(), "/");
    const [, content] = /name="server-settings" content="([^"]*)"/.exec(html)!;
    expect(JSON.parse(content!.replaceAll("&quot;", '"'))).toEqual({
      appName: "Account Server",
      passwordMinLength: 8,
      corsOrigins: [],
      hasGraphiQL: true,
      hasMailbox: false,
    });
  });

  test("has files that browsers keep for ever, since their names change with their content", async () => {
    const server = await startServer();
    const [path] = /\/assets\/[\w.-]+\.js/.exec(await page(server, "/"))!;
    for (const encoding of ["gzip", "identity"]) {
      const { status, headers } = await fetch(server.url + path, {
        headers: { "accept-encoding": encoding },
      });
      expect(status).toBe(200);
      expect(headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(headers.get("content-type")).toMatch(/javascript/);
      expect(headers.get("content-encoding")).toBe(encoding === "gzip" ? "gzip" : null);
    }
    const icon = await fetch(`${server.url}/favicon.svg`);
    expect(icon.headers.get("content-type")).toMatch(/^image\/svg\+xml/);
  });

  test.each(["/assets/", "/assets/nothing.js", "/assets/..%2findex.html", "/index.html"])(
    "has nothing at %s",
    async (path) => {
      const server = await startServer();
      expectRefusal(await server.send({}, path), 404);
    },
  );

  test.each([
    ["/login", "/#/login"],
    ["/account", "/#/account"],
    ["/.well-known/change-password", "/#/account/password"],
  ])("is found by people who type %s, and by password managers", async (path, page) => {
    const server = await startServer();
    const answer = await fetch(server.url + path, { redirect: "manual" });
    expect([answer.status, answer.headers.get("location")]).toEqual([302, page]);
  });

  test("can be turned off", async () => {
    const { CONFIRMATION_URI, RESET_URI } = PRODUCTION;
    const server = await startServer({ env: { WEB_CLIENT: "false", CONFIRMATION_URI, RESET_URI } });
    for (const path of ["/", "/favicon.svg"]) expectRefusal(await server.send({}, path), 404);
  });
});

describe("the mailbox", () => {
  test("is a page that is not cached and runs no scripts but the server's own files", async () => {
    const server = await startWithMailbox();
    const response = await fetch(`${server.url}/mailbox`, { headers: browser });
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    expect(response.headers.get("content-security-policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
  });

  test("shows every mail to programs, newest first, with its link", async () => {
    const server = await startWithMailbox({ APP_NAME: "Ada's Shop" });
    await server.registerPerson("ada");
    await server.mailbox(1);
    await server.registerPerson("grace");
    const [newest, oldest] = await server.mailbox(2);
    expect(newest?.to).toBe("grace@example.com");
    expect(oldest).toMatchObject({
      id: expect.stringMatching(/^\S+$/) as unknown,
      to: "ada@example.com",
      from: "Ada's Shop <accounts@example.com>",
      subject: "Confirm your email address for Ada's Shop",
      text: expect.stringContaining(`${server.url}/#/finalize?token=`) as unknown,
      html: expect.stringContaining(`${server.url}/#/finalize?token&#x3D;`) as unknown,
      date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/) as unknown,
    });
    expect(newest?.id).not.toBe(oldest?.id);
  });

  test("gives no mail the number of one that was cleared", async () => {
    const dataDir = await temporaryFolder();
    const before = await openServer({ env: { MAIL_SERVER: "", DATA_DIR: dataDir } });
    await before.server.registerPerson("ada");
    const [first] = await before.server.mailbox(1);
    await before.stop();
    const server = await startWithMailbox({ DATA_DIR: dataDir });
    await fetch(`${server.url}/mailbox/messages`, { method: "DELETE" });
    await server.registerPerson("grace");
    const [second] = await server.mailbox(1);
    await fetch(`${server.url}/mailbox/messages`, { method: "DELETE" });
    await server.registerPerson("joan");
    const [third] = await server.mailbox(1);
    expect(new Set([first?.id, second?.id, third?.id]).size).toBe(3);
  });

  test("holds a link that confirms the account", async () => {
    const server = await startWithMailbox();
    await server.registerPerson("ada");
    const [mail] = await server.mailbox(1);
    const token = /token=(\S+)/.exec(mail!.text)?.[1];
    expect(server.succeed(await server.finalizeRegistration({ token: token! })).user.isActive).toBe(true);
  });

  test("gives the source of a mail as it was sent, and 404 for one that is not there", async () => {
    const server = await startWithMailbox();
    await server.registerPerson("ada");
    const [mail] = await server.mailbox(1);
    const source = await fetch(`${server.url}/mailbox/messages/${mail!.id}/source`);
    expect(source.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await source.text()).toMatch(/^To: ada@example\.com\r?$/m);
    for (const id of ["00000099", "..%2Fjwt-secret", "%2E%2E%2F%2E%2E%2Fetc%2Fpasswd"]) {
      const missing = await server.send({}, `/mailbox/messages/${id}/source`);
      expect(missing.status).toBe(404);
    }
  });

  test("is empty once cleared", async () => {
    const server = await startWithMailbox();
    await server.registerPerson("ada");
    await server.mailbox(1);
    const cleared = await fetch(`${server.url}/mailbox/messages`, { method: "DELETE" });
    expect(cleared.status).toBe(204);
    await server.mailbox(0);
  });

  test("tells of every mail as it comes, and those who listen do not delay the server's end", async () => {
    const dataDir = await temporaryFolder();
    const { server, stop } = await openServer({ env: { MAIL_SERVER: "", DATA_DIR: dataDir } });
    const events = await fetch(`${server.url}/mailbox/events`);
    expect(events.headers.get("content-type")).toBe("text/event-stream");
    const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe(": listening\n\n");

    await server.registerPerson("ada");
    expect((await reader.read()).value).toBe("event: change\ndata:\n\n");
    await server.mailbox(1);

    const ended = reader.read();
    await stop();
    expect(await ended).toEqual({ done: true, value: undefined });
  });

  test("is empty, not missing, before the first mail", async () => {
    const server = await startWithMailbox();
    await server.mailbox(0);
  });

  test.skipIf(process.platform === "win32")("can be read by its owner alone", async () => {
    const dataDir = await temporaryFolder();
    const server = await startWithMailbox({ DATA_DIR: dataDir });
    const folder = join(dataDir, "mailbox");
    await server.registerPerson("ada");
    await server.mailbox(1);
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    expect(await mode(folder)).toBe("700");
    const mails = (await readdir(folder)).filter((name) => name.endsWith(".eml"));
    expect(mails).toHaveLength(1);
    for (const name of mails) expect(await mode(join(folder, name))).toBe("600");
  });

  test.each(["/mailbox", "/mailbox/messages"])(
    "is not served at %s where mails go out by SMTP",
    async (path) => {
      const server = await startServer();
      expectRefusal(await server.send({ headers: browser }, path), 404);
    },
  );
});

describe("in production", () => {
  const shared = sharedServer({ env: PRODUCTION });

  test.each(["/mailbox", "/mailbox/messages"])("there is no page at %s", async (path) => {
    const server = shared();
    expectRefusal(await server.send({ headers: browser }, path), 404);
  });

  test("/graphql is no page either", async () => {
    const server = shared();
    expectRefusal(await server.send({ headers: browser }, "/graphql"), 400);
  });

  test.each(["{ __schema { types { name } } }", '{ __type(name: "User") { name } }'])(
    "the schema is not told: %s",
    async (query) => {
      const server = shared();
      expectRefusal(await server.execute(query), 400, /^GRAPHQL_VALIDATION_FAILED$/);
    },
  );

  test.each([
    "{ mee { id } }",
    "{ me { usernam } }",
    'mutation { logn(username: "a", password: "b") { accessToken } }',
    'mutation { login(usernam: "a", password: "b") { accessToken } }',
    "{ me { ... on Usr { id } } }",
  ])("nothing is suggested for %s", async (query) => {
    const server = shared();
    const answer = await server.execute(query);
    expectRefusal(answer, 400, /^GRAPHQL_VALIDATION_FAILED$/);
    expect(answer.text).not.toMatch(/did you mean/i);
  });

  test("operations are served", async () => {
    const server = shared();
    server.succeed(await server.register({ username: "ada", email: "ada@example.com", password: PASSWORD }));
    const { text } = (await server.smtp.mailTo("ada@example.com")).mail;
    expect(text).toContain("https://app.example.com/#/finalize?token=");
  });
});
