// examples/react-elsewhere in Chromium: a front end on another origin, built by its own settings, against a real server.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { build, preview } from "vite";
import { expect, onTestFinished, test } from "vitest";

import { loadConfig } from "../../src/config/config.ts";
import { parseEnv } from "../../src/config/env-file.ts";
import { expectAccessible, screenshot, useBrowser } from "../support/browser.ts";
import { fill, follow, heading, press, sees } from "../support/page-actions.ts";
import { temporaryFolder } from "../support/process.ts";
import { PASSWORD, startServer, type TestServer } from "../support/server.ts";
import { linkIn } from "../support/smtp.ts";

const openPage = useBrowser();
const EXAMPLE = "examples/react-elsewhere";
/** The setting that the README tells people to start the server with. */
const [APPLICATIONS = ""] = [
  ...readFileSync(`${EXAMPLE}/README.md`, "utf8").matchAll(/APPLICATIONS='.*?'/g),
].map(([setting]) => parseEnv(setting)["APPLICATIONS"]);

/** A server as the README starts it, and the example, each at a free port. */
async function startBoth(): Promise<{ server: TestServer; origin: string }> {
  const outDir = await temporaryFolder();
  const alias = { "account-server-client": resolve("client/session.ts") };
  const shared = { root: EXAMPLE, logLevel: "warn", resolve: { alias } } as const;
  const front = await preview({ ...shared, build: { outDir }, preview: { port: 0 } });
  onTestFinished(() => front.close());
  const origin = new URL(front.resolvedUrls?.local[0] ?? "").origin;
  const server = await startServer({
    env: { APPLICATIONS: APPLICATIONS.replaceAll("http://127.0.0.1:5173", origin) },
  });
  const define = { "import.meta.env.VITE_SERVER_URL": JSON.stringify(server.url) };
  await build({ ...shared, define, build: { outDir, emptyOutDir: true } });
  return { server, origin };
}

test("its README's setting is free of faults, and needs nothing else", () => {
  expect([...loadConfig({ APPLICATIONS }).applications.keys()]).toEqual(["example"]);
});

test("one registers, confirms, outlives a reload, logs out and in again, with forms of its own", async () => {
  const { server, origin } = await startBoth();
  const page = await openPage();
  await page.goto(origin);
  await heading(page, "Example");
  await expectAccessible(page);

  await follow(page, "Create an account");
  await fill(page, { Username: "a", Email: "ada@example.com", Password: PASSWORD });
  await press(page, "Create account");
  await sees(page, /Use 3 to 32 characters/);
  await fill(page, { Username: "ada" });
  await press(page, "Create account");
  await heading(page, "Check your email");

  const mail = await server.smtp.mailTo("ada@example.com");
  expect(mail.mail.from?.name).toBe("Example");
  expect(linkIn(mail)).toMatch(new RegExp(`^${origin}/#/confirm\\?token=`));
  await page.goto(linkIn(mail));
  await sees(page, /account ada for ada@example\.com/);
  await press(page, "Confirm");
  await heading(page, "Hello ada");
  expect(page.url()).toBe(`${origin}/#/`);

  await page.reload();
  await heading(page, "Hello ada");
  await screenshot(page, "react-elsewhere-home");
  await press(page, "Log out");
  await heading(page, "Example");
  await page.reload();
  await heading(page, "Example");

  await follow(page, "log in");
  await fill(page, { "Username or email": "ada", Password: "wrong horse battery" });
  await press(page, "Log in");
  await sees(page, "Unknown user or wrong password.");
  await fill(page, { Password: PASSWORD });
  await press(page, "Log in");
  await heading(page, "Hello ada");
});

test("one logs in at the hosted pages, is back, and is asked there whether to continue the next time", async () => {
  const { server, origin } = await startBoth();
  await server.activePerson("ada");
  const page = await openPage();
  await page.goto(origin);

  await follow(page, "log in there");
  await fill(page, { "Username or email": "ada", Password: PASSWORD });
  await press(page, "Log in");
  await heading(page, "Hello ada");
  expect(page.url()).toBe(`${origin}/`);

  const other = await page.context().newPage();
  await other.goto(`${server.url}/#/login?returnTo=${encodeURIComponent(`${origin}/`)}`);
  await sees(other, "You're logged in as ada.");
  await follow(other, `Continue to ${new URL(origin).host}`);
  await heading(other, "Hello ada");
});

test("an access token that has expired is renewed without anybody's noticing", async () => {
  const { server, origin } = await startBoth();
  await server.activePerson("ada");
  const page = await openPage();
  await page.goto(`${origin}/#/login`);
  await fill(page, { "Username or email": "ada", Password: PASSWORD });
  await press(page, "Log in");
  await heading(page, "Hello ada");

  server.advance(16 * 60_000);
  await press(page, "Log out");

  await heading(page, "Example");
  await page.reload();
  await heading(page, "Example");
});
