// The pages of the web client for a front end on another origin: it sends people here to log in, and gets them back.
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";

import { expectAccessible, screenshot, useBrowser } from "../support/browser.ts";
import { startFrontEnd } from "../support/front-end.ts";
import { fill, follow, heading, press, sees } from "../support/page-actions.ts";
import { PASSWORD, startServer, type TestServer } from "../support/server.ts";
import { linkIn } from "../support/smtp.ts";

const openPage = useBrowser();
const REFUSED = /can't take you back to the page that sent you here/;

interface Site {
  readonly server: TestServer;
  /** The page of the front end that sends people to the server. */
  readonly after: string;
  readonly hosted: (page: string, returnTo?: string) => string;
}

/** A server, and a front end that it knows. */
async function startSite(env: (origin: string) => Record<string, string> = () => ({})): Promise<Site> {
  const frontEnd = await startFrontEnd();
  const { origin } = frontEnd;
  const server = await startServer({ env: { CORS_ORIGINS: origin, ...env(origin) } });
  frontEnd.callsServer(server.url);
  const after = `${origin}/after?step=2&x=%2F#here`;
  return {
    server,
    after,
    hosted: (page, returnTo = after) => `${server.url}/#${page}?returnTo=${encodeURIComponent(returnTo)}`,
  };
}

async function logInHere(page: Page, username: string): Promise<void> {
  await fill(page, { "Username or email": username, Password: PASSWORD });
  await press(page, "Log in");
}

/** At the very page that sent people here, with nothing added to its URL, logged in there by the cookie alone. */
async function isBack(page: Page, { after }: Site, username: string): Promise<void> {
  await sees(page, `Hello ${username}`);
  expect(page.url()).toBe(after);
}

test("a login brings people back to the page that sent them, which learns by the cookie who they are", async () => {
  const site = await startSite();
  await site.server.activePerson("ada");
  const page = await openPage();

  await page.goto(site.hosted("/login"));
  expect(page.url(), "the address says it to nobody else").toBe(`${site.server.url}/#/login`);
  await page.reload();
  await logInHere(page, "ada");

  await isBack(page, site, "ada");
});

test("a registration brings people back from the link of its email, which opens in another tab", async () => {
  const site = await startSite();
  const page = await openPage();

  await page.goto(site.hosted("/register"));
  await fill(page, { Username: "ada", Email: "ada@example.com", Password: PASSWORD });
  await press(page, "Create account");
  const link = linkIn(await site.server.smtp.mailTo("ada@example.com"));
  const tab = await page.context().newPage();
  await tab.goto(link);
  await press(tab, "Confirm email address");

  await isBack(tab, site, "ada");
  await page.goto(`${site.server.url}/#/login`);
  await page.reload();
  await heading(page, "Continue");
});

test("a reset brings people back, who came to log in and have forgotten their password", async () => {
  const site = await startSite();
  const { email } = await site.server.activePerson("ada");
  const page = await openPage();

  await page.goto(site.hosted("/login"));
  await follow(page, "Forgot your password?");
  await fill(page, { Email: email });
  await press(page, "Send reset link");
  const link = linkIn(await site.server.smtp.mailTo(email, ({ mail }) => /reset/i.test(mail.subject ?? "")));
  const tab = await page.context().newPage();
  await tab.goto(link);
  await fill(tab, { Password: "a new battery staple", "Repeat password": "a new battery staple" });
  await press(tab, "Set password");

  await isBack(tab, site, "ada");
});

test("an email that is opened on another device leads to the account there, and says that one can go back", async () => {
  const site = await startSite();
  const page = await openPage();
  await page.goto(site.hosted("/register"));
  await fill(page, { Username: "ada", Email: "ada@example.com", Password: PASSWORD });
  await press(page, "Create account");
  const link = linkIn(await site.server.smtp.mailTo("ada@example.com"));

  const phone = await openPage();
  await phone.goto(link);
  await press(phone, "Confirm email address");
  await heading(phone, "Your account");
  await sees(phone, "Your email address is confirmed. You can go back to where you began.");

  await follow(page, "Back to login");
  await logInHere(page, "ada");
  await isBack(page, site, "ada");
});

test("a link that itself says where to return to brings people back on any device", async () => {
  const site = await startSite((origin) => ({
    CONFIRMATION_URI: `http://server.invalid/#/finalize?returnTo=${encodeURIComponent(`${origin}/after?step=2&x=%2F#here`)}`,
  }));
  await site.server.registerPerson("ada");
  const link = linkIn(await site.server.smtp.mailTo("ada@example.com"));

  const phone = await openPage();
  await phone.goto(link.replace("http://server.invalid", site.server.url));
  await press(phone, "Confirm email address");

  await isBack(phone, site, "ada");
});

describe("whoever is logged in already", () => {
  test("is told as whom, and chooses to continue", async () => {
    const site = await startSite();
    await site.server.activePerson("ada");
    const page = await openPage();
    await page.goto(`${site.server.url}/#/login`);
    await logInHere(page, "ada");
    await heading(page, "Your account");

    for (const hosted of ["/register", "/login"]) {
      await page.goto(site.hosted(hosted));
      await heading(page, "Continue");
    }
    await sees(page, "You're logged in as ada.");
    await expectAccessible(page);
    await screenshot(page, "hosted-pages-continue");
    const before = page.url();
    await page.reload();
    await sees(page, "You're logged in as ada.");
    expect(page.url(), "nobody is sent on by a link alone").toBe(before);

    await follow(page, `Continue to ${new URL(site.after).host}`);
    await isBack(page, site, "ada");
  });

  test("can use another account, which logs the first one out", async () => {
    const site = await startSite();
    await site.server.activePerson("ada");
    await site.server.activePerson("grace");
    const page = await openPage();
    await page.goto(`${site.server.url}/#/login`);
    await logInHere(page, "ada");
    await heading(page, "Your account");

    await page.goto(site.hosted("/login"));
    await press(page, "Use another account");
    await heading(page, "Log in");
    await logInHere(page, "grace");

    await isBack(page, site, "grace");
  });
});

test("nobody is led to a page of an origin that is not in CORS_ORIGINS, however it is written", async () => {
  const site = await startSite();
  await site.server.activePerson("ada");
  const { origin, host, port } = new URL(site.after);
  const page = await openPage();

  for (const returnTo of [
    "https://evil.example/after",
    "//evil.example/after",
    "/after",
    "",
    "javascript:alert(1)",
    "data:text/html,hello",
    `${origin}@evil.example/`,
    `${origin}.evil.example/`,
    `${origin}0/`,
    `http://ada:secret@${host}/`,
    `http://${host}\\@evil.example/`,
    `${origin}\\.evil.example/`,
    `http:\\\\${host}/after`,
    `http:/${host}/after`,
    `${origin}/\u0000after`,
    ` ${origin}/after`,
    `${origin}\t/after`,
    `HTTP://${host}/after`,
    `https://${host}/after`,
    `http://127.1:${port}/after`,
    `http://localhost:${port}/after`,
    `blob:${origin}/after`,
    site.server.url,
  ]) {
    await page.goto(site.hosted("/login", site.after)); // what was allowed before is forgotten, too
    await expect.poll(() => page.url()).not.toContain("returnTo"); // the page has taken it
    await page.goto(site.hosted("/login", returnTo));
    await sees(page, REFUSED);
  }

  await logInHere(page, "ada");
  await heading(page, "Your account");
  expect(new URL(page.url()).origin).toBe(site.server.url);
});

test("without CORS_ORIGINS nobody is led anywhere, and an email says nothing of going back", async () => {
  const site = await startSite(() => ({ CORS_ORIGINS: "" }));
  const page = await openPage();
  await page.goto(site.hosted("/register"));
  await sees(page, REFUSED);
  await fill(page, { Username: "ada", Email: "ada@example.com", Password: PASSWORD });
  await press(page, "Create account");

  await page.goto(linkIn(await site.server.smtp.mailTo("ada@example.com")));
  await press(page, "Confirm email address");

  await heading(page, "Your account");
  await page.getByText("Your email address is confirmed.", { exact: true }).waitFor();
});

test("who has been brought back is not led there again by a later login", async () => {
  const site = await startSite();
  await site.server.activePerson("ada");
  const page = await openPage();
  await page.goto(site.hosted("/login"));
  await logInHere(page, "ada");
  await isBack(page, site, "ada");

  await page.goto(`${site.server.url}/#/login`);
  await heading(page, "Your account");
});
