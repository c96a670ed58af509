// The web client as a person meets it: in a real browser, from the first visit to the new password.
import { gzipSync } from "node:zlib";

import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";

import { expectAccessible, screenshot, useBrowser } from "../support/browser.ts";
import { fill, follow, heading, logIn, press, sees } from "../support/page-actions.ts";
import { DAY, PASSWORD, startServer, startWithMailbox } from "../support/server.ts";

const openPage = useBrowser();
const NEW_PASSWORD = "an even better battery";

const alert = (page: Page) => page.getByRole("alert");

/** From within the page: Playwright's own goBack is lost when it meets a replaceState that is still on its way. */
const goBack = (page: Page) => page.evaluate("history.back()");

/** What stands below a field: the hint, or what is wrong. */
function noteOf(page: Page, label: string) {
  return page.locator(".field", { has: page.getByLabel(label, { exact: true }) }).locator("p");
}

test.each([
  ["", {}],
  [", also at a server that runs trusted documents alone", { TRUSTED_DOCUMENTS: "dist/web/documents.json" }],
])(
  "a newcomer registers, confirms by the mail's button, signs out, and sets a new password%s",
  async (_where, env: Record<string, string>) => {
    const server = await startWithMailbox(env);
    const page = await openPage();
    await page.goto(server.url);
    await follow(page, "Create account");
    await fill(page, { Username: "ada", Email: "ada@example.com", Password: PASSWORD });
    await press(page, "Create account");
    await heading(page, "Check your email");
    await sees(page, "A confirmation email is on its way to ada.");

    await follow(page, "Open the mailbox");
    const confirming = await openMailedLink(page, "Confirm email address");
    await press(confirming, "Confirm email address");
    await heading(confirming, "Your account");
    await sees(confirming, "Your email address is confirmed.");
    await sees(confirming, "ada@example.com");
    await press(confirming, "Log out");
    await sees(confirming, "You're logged out.");

    await follow(confirming, "Log in");
    await follow(confirming, "Forgot your password?");
    await fill(confirming, { Email: "ada@example.com" });
    await press(confirming, "Send reset link");
    await heading(confirming, "Check your email");
    await follow(confirming, "Open the mailbox");
    const resetting = await openMailedLink(confirming, "Choose a new password");
    await fill(resetting, { Password: NEW_PASSWORD, "Repeat password": NEW_PASSWORD });
    await press(resetting, "Set password");
    await heading(resetting, "Your account");
    await sees(resetting, "Your password has been changed, and you're logged in.");

    await press(resetting, "Log out");
    await follow(resetting, "Log in");
    await fill(resetting, { "Username or email": "ada", Password: PASSWORD });
    await press(resetting, "Log in");
    await sees(resetting, "Incorrect username or password.");
    await fill(resetting, { "Username or email": "ada@example.com", Password: NEW_PASSWORD });
    await press(resetting, "Log in");
    await heading(resetting, "Your account");
  },
);

/** Presses the button of the newest mail; it opens a page of its own. */
async function openMailedLink(mailbox: Page, button: string): Promise<Page> {
  const [opened] = await Promise.all([
    mailbox.context().waitForEvent("page"),
    mailbox.frameLocator("iframe").getByRole("link", { name: button, exact: true }).click(),
  ]);
  return opened;
}

test("the whole registration works by the keyboard alone", async () => {
  const server = await startServer();
  const page = await openPage();
  await page.goto(server.url);
  await heading(page, "Account Server");
  await tabTo(page, "Create account");
  await page.keyboard.press("Enter");
  await heading(page, "Create an account");
  expect(await focused(page), "a screen reader reads on here").toBe("Create an account");
  for (const text of ["ada", "ada@example.com", PASSWORD]) {
    await page.keyboard.press("Tab");
    await page.keyboard.type(text);
  }
  await tabTo(page, "Show password");
  await page.keyboard.press("Space");
  expect(await page.getByLabel("Password", { exact: true }).getAttribute("type")).toBe("text");
  await tabTo(page, "Create account");
  await page.keyboard.press("Enter");
  await heading(page, "Check your email");

  const linked = await page.context().newPage();
  await linked.goto(`${server.url}/#/finalize?token=${await server.confirmationToken("ada@example.com")}`);
  await heading(linked, "Confirm your email address");
  await tabTo(linked, "Confirm email address");
  await linked.keyboard.press("Enter");
  await heading(linked, "Your account");
});

const focused = (page: Page) => page.evaluate<string | null>("document.activeElement.textContent");

async function tabTo(page: Page, name: string): Promise<void> {
  for (let tabs = 0; tabs < 5; tabs += 1) {
    await page.keyboard.press("Tab");
    if ((await focused(page)) === name) return;
  }
  expect.fail(`five times Tab do not lead to ${name}`);
}

/** Keeps the next request of the page waiting. */
async function holdAnswer(page: Page): Promise<{ release: () => void }> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  await page.route(
    "**/graphql",
    async (route) => {
      await promise;
      await route.continue();
    },
    { times: 1 },
  );
  return { release: () => resolve(undefined) };
}

describe("a mailed link", () => {
  test("changes nothing until its button is pressed, and its token leaves the address bar at once", async () => {
    const server = await startServer();
    await server.registerPerson("ada");
    const token = await server.confirmationToken("ada@example.com");
    const page = await openPage();
    await page.goto(`${server.url}/#/finalize?token=${token}`);
    await page.getByRole("button", { name: "Confirm email address" }).waitFor();
    expect(page.url()).toBe(`${server.url}/#/finalize`);
    expect(await page.evaluate("document.body.innerHTML")).not.toContain(token);
    server.refuse(await server.login({ username: "ada", password: PASSWORD }), "ACCOUNT_NOT_ACTIVATED");
    await press(page, "Confirm email address");
    await heading(page, "Your account");
    server.succeed(await server.login({ username: "ada", password: PASSWORD }));
  });

  test("is taken when it is pasted into the open page, where only the fragment changes", async () => {
    const server = await startServer();
    await server.registerPerson("ada");
    const token = await server.confirmationToken("ada@example.com");
    const page = await openPage();
    await page.goto(`${server.url}/#/finalize?token=an.old.one`);
    await sees(page, "This link no longer works");
    await page.evaluate(`location.href = ${JSON.stringify(`${server.url}/#/finalize?token=${token}`)}`);
    await expect.poll(() => alert(page).textContent()).toBe("");
    expect(page.url()).toBe(`${server.url}/#/finalize`);
    await press(page, "Confirm email address");
    await heading(page, "Your account");
  });

  test("that has expired leads to a new one", async () => {
    const server = await startServer();
    await server.registerPerson("ada");
    const token = await server.confirmationToken("ada@example.com");
    server.advance(2 * DAY);
    const page = await openPage();
    await page.goto(`${server.url}/#/finalize?token=${token}`);
    await sees(page, "This link no longer works. It has expired or has already been used.");
    await follow(page, "Get a new confirmation link");
    await heading(page, "Get a new link");
    await fill(page, { Email: "ada@example.com" });
    await press(page, "Send link");
    await sees(page, "A confirmation email is on its way to ada@example.com.");
    await page.goto(`${server.url}/#/finalize?token=${await server.confirmationToken("ada@example.com", 2)}`);
    await press(page, "Confirm email address");
    await heading(page, "Your account");
  });

  test("that was used leads to the login, too: its first use may have been one's own", async () => {
    const server = await startServer();
    await server.registerPerson("ada");
    const token = await server.confirmationToken("ada@example.com");
    server.succeed(await server.finalizeRegistration({ token }));
    const page = await openPage();
    await page.goto(`${server.url}/#/finalize?token=${token}`);
    await alert(page).getByRole("link", { name: "Get a new confirmation link" }).waitFor();
    await follow(page, "Log in");
    await heading(page, "Log in");
  });

  test("whose token is none leads to a new one", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.goto(`${server.url}/#/finalize?token=%00`);
    await alert(page).getByText("This link no longer works").waitFor();
    await alert(page).getByRole("link", { name: "Get a new confirmation link" }).waitFor();
  });

  test("counts only on the page that it is for", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.goto(`${server.url}/#/finalize?token=a.b.c`);
    await sees(page, "This link no longer works");
    await page.goto(`${server.url}/#/reset`);
    await sees(page, "open the link in the email we sent you");
  });

  test("that is answered late takes nobody away from another page, and signs in all the same", async () => {
    const server = await startServer();
    await server.registerPerson("ada");
    const page = await openPage();
    await page.goto(`${server.url}/#/finalize?token=${await server.confirmationToken("ada@example.com")}`);
    await page.getByRole("button", { name: "Confirm email address" }).waitFor();
    const answer = await holdAnswer(page);
    await press(page, "Confirm email address");
    await page.getByRole("banner").getByRole("link", { name: "Account Server" }).click();
    await heading(page, "Account Server");
    answer.release();
    await sees(page, "You're logged in.");
    expect(page.url()).toBe(`${server.url}/#/`);
  });

  test("that is answered late leaves a newer one that was opened meanwhile", async () => {
    const server = await startServer();
    await server.registerPerson("ada");
    await server.registerPerson("grace");
    const page = await openPage();
    await page.goto(`${server.url}/#/finalize?token=${await server.confirmationToken("ada@example.com")}`);
    const button = page.getByRole("button", { name: "Confirm email address" });
    await button.waitFor();
    const answer = await holdAnswer(page);
    await press(page, "Confirm email address");
    await page.goto(`${server.url}/#/finalize?token=${await server.confirmationToken("grace@example.com")}`);
    await sees(page, "grace@example.com");
    answer.release();
    await page.getByRole("banner").getByRole("link", { name: "Account", exact: true }).waitFor();
    await sees(page, "You're logged in as ada.");
    await button.waitFor();
    expect(page.url()).toBe(`${server.url}/#/finalize`);
  });

  test("that was used leads to a new one for the password, too", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    server.succeed(await server.requestReset({ email: "ada@example.com" }));
    const token = await server.resetToken("ada@example.com");
    server.succeed(await server.finalizeReset({ token, password: NEW_PASSWORD }));
    const page = await openPage();
    await page.goto(`${server.url}/#/reset?token=${token}`);
    await fill(page, { Password: "yet another battery", "Repeat password": "yet another battery" });
    await press(page, "Set password");
    await sees(page, "This link no longer works");
    await follow(page, "Get a new link");
    await heading(page, "Forgot your password?");
  });

  test("is not asked for again by going back after it was used", async () => {
    const server = await startServer();
    await server.registerPerson("ada");
    const page = await openPage();
    await page.goto(server.url);
    await heading(page, "Account Server");
    await page.goto(`${server.url}/#/finalize?token=${await server.confirmationToken("ada@example.com")}`);
    await press(page, "Confirm email address");
    await heading(page, "Your account");
    await goBack(page);
    await heading(page, "Account Server");
  });

  test("shows whose account it is, and says so if it replaces the account of somebody who is logged in", async () => {
    const server = await startServer();
    await server.activePerson("grace");
    await server.registerPerson("ada");
    const page = await openPage();
    await logIn(page, server, "grace");
    await heading(page, "Your account");

    await page.goto(`${server.url}/#/finalize?token=${await server.confirmationToken("ada@example.com")}`);

    await sees(page, "Confirm only if you created this account.");
    await expect.poll(() => page.locator("dd").allTextContents()).toContain("ada");
    await sees(page, "You're logged in as grace. If you confirm, this browser switches to the account ada.");
    await expectAccessible(page);
    await screenshot(page, "finalize-signed-in");
    await press(page, "Confirm email address");
    await heading(page, "Your account");
    await sees(page, "ada@example.com");
  });

  test("asks for a password once a stranger may have chosen the one of the registration, and says why", async () => {
    const server = await startServer();
    await server.registerPerson("stranger", "ada@example.com", "the stranger's password");
    await server.register({ username: "ada", email: "ada@example.com", password: PASSWORD });
    const page = await openPage();
    await page.goto(`${server.url}/#/finalize?token=${await server.confirmationToken("ada@example.com")}`);

    await sees(page, "Someone else may have used your email address to create an account, too.");
    await screenshot(page, "finalize-contested");
    await expectAccessible(page);
    await fill(page, { Password: "short", "Repeat password": "short" });
    await press(page, "Confirm email address");
    await sees(page, "Use at least 8 characters.");
    await fill(page, { Password: NEW_PASSWORD, "Repeat password": NEW_PASSWORD });
    await press(page, "Confirm email address");

    await heading(page, "Your account");
    await sees(page, "ada@example.com");
    server.succeed(await server.login({ username: "ada@example.com", password: NEW_PASSWORD }));
  });

  test("asks for a password if a stranger registers while its page is open", async () => {
    const server = await startServer();
    await server.registerPerson("ada");
    const page = await openPage();
    await page.goto(`${server.url}/#/finalize?token=${await server.confirmationToken("ada@example.com")}`);
    await sees(page, "Confirm only if you created this account.");
    await server.register({
      username: "stranger",
      email: "ada@example.com",
      password: "the stranger's password",
    });

    await press(page, "Confirm email address");

    await sees(page, "Someone else may have used your email address");
    await fill(page, { Password: NEW_PASSWORD, "Repeat password": NEW_PASSWORD });
    await press(page, "Confirm email address");
    await heading(page, "Your account");
  });

  test("can be tried again once the server can be reached", async () => {
    const server = await startServer();
    await server.registerPerson("ada");
    const page = await openPage({ allows: /ERR_FAILED/ });
    await page.route("**/graphql", (route) => route.abort(), { times: 1 });
    await page.goto(`${server.url}/#/finalize?token=${await server.confirmationToken("ada@example.com")}`);
    await sees(page, "We can't reach the server.");

    await press(page, "Try again");

    await press(page, "Confirm email address");
    await heading(page, "Your account");
  });

  test.each(["/#/finalize", "/#/reset"])(
    "is missing at %s, and the page says where to get one",
    async (path) => {
      const server = await startServer();
      const page = await openPage();
      await page.goto(server.url + path);
      await sees(page, "open the link in the email we sent you");
      await page.getByRole("link", { name: /Get a new/ }).click();
      await page.getByLabel("Email", { exact: true }).waitFor();
    },
  );
});

describe("the session", () => {
  test("outlives a reload, and ends with signing out, the back button included", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await openPage();
    await logIn(page, server, "ada");
    await heading(page, "Your account");
    await page.reload();
    await sees(page, "ada@example.com");
    await press(page, "Log out");
    await heading(page, "Account Server");
    await goBack(page);
    await heading(page, "Log in");
    expect(await page.evaluate("sessionStorage.length + localStorage.length")).toBe(0);
  });

  test("is asked for by the account page, which one comes back to; the login is not in the way back", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await openPage();
    await page.goto(server.url);
    await heading(page, "Account Server");
    await page.goto(`${server.url}/#/account`);
    await heading(page, "Log in");
    await fill(page, { "Username or email": "ada", Password: PASSWORD });
    await press(page, "Log in");
    await heading(page, "Your account");
    expect(page.url()).toBe(`${server.url}/#/account`);
    await goBack(page);
    await heading(page, "Account Server");
  });

  test.each(["register", "login"])("sends its owner from the page %s on to the account", async (path) => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await openPage();
    await logIn(page, server, "ada");
    await heading(page, "Your account");
    await page.goto(`${server.url}/#/${path}`);
    await heading(page, "Your account");
    expect(page.url()).toBe(`${server.url}/#/account`);
  });

  test("ends when the server says so, not by the visitor's clock", async () => {
    const server = await startServer();
    server.freezeAt(new Date(Date.now() - 2 * DAY));
    await server.activePerson("ada");
    const page = await openPage();
    await logIn(page, server, "ada");
    await sees(page, "ada@example.com");
    await page.reload();
    await sees(page, "ada@example.com");
    server.freezeAt(new Date(Date.now() + 40 * DAY));
    await page.reload();
    await heading(page, "Log in");
    await sees(page, "Your session has ended. Log in again.");
  });

  test("needs no storage, where the browser lets no page keep anything", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await openPage();
    await page.addInitScript(
      `Object.defineProperty(window, "localStorage", { get() { throw new DOMException("no", "SecurityError"); } })`,
    );
    await logIn(page, server, "ada");
    await sees(page, "ada@example.com");
    await press(page, "Log out");
    await sees(page, "You're logged out.");
  });

  test("is none where only the memory of one is left", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.addInitScript(`localStorage.setItem("signed-in", "yes")`);
    await page.goto(`${server.url}/#/account`);
    await heading(page, "Log in");
  });

  test("is not lost by a reload while the server cannot be reached, which the page says until it can", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await openPage({ allows: /Failed to load resource/ });
    await logIn(page, server, "ada");
    await sees(page, "ada@example.com");
    const endpoint = `${server.url}/graphql`;
    await page.route(endpoint, (route) => route.abort());
    await page.reload();
    await sees(page, "We can't reach the server, so we don't know yet whether you're logged in.");
    await screenshot(page, "not-restored");
    await expectAccessible(page);
    await page.unroute(endpoint);
    await page.evaluate("dispatchEvent(new Event('online'))");
    await sees(page, "ada@example.com");
    expect(await server.query("select 1 from accounts.sessions")).toHaveLength(2); // the first signed in by no browser
  });

  test("is waited for by a page that is drawn already", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await openPage();
    await logIn(page, server, "ada");
    await sees(page, "ada@example.com");
    const { promise: answered, resolve: answer } = Promise.withResolvers<undefined>();
    await page.route(`${server.url}/graphql`, async (route) => {
      await answered;
      await route.continue();
    });
    await page.reload();
    await page.getByText("Loading…").waitFor();
    await page.getByRole("link", { name: "Account Server" }).waitFor();
    answer(undefined);
    await sees(page, "ada@example.com");
  });

  test("that was ended elsewhere leads to the login, which says so", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await openPage();
    await logIn(page, server, "ada");
    await heading(page, "Your account");
    server.succeed(await server.requestReset({ email: "ada@example.com" }));
    const token = await server.resetToken("ada@example.com");
    server.succeed(await server.finalizeReset({ token, password: NEW_PASSWORD }));
    await page.reload();
    await heading(page, "Log in");
    await sees(page, "Your session has ended. Log in again.");
  });
});

describe("a field", () => {
  test("says what is wrong while one types, and what is right again", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.goto(`${server.url}/#/register`);
    for (const [label, bad, good, fault] of [
      ["Username", "a!", "ada", "Use 3 to 32 characters: letters a to z, numbers, and _ . -"],
      ["Email", "ada@example", "ada@example.com", "Enter a valid email address, like ada@example.com."],
      ["Password", "short", PASSWORD, "Use at least 8 characters."],
    ] as const) {
      const field = page.getByLabel(label, { exact: true });
      await field.fill(bad);
      await expect.poll(() => noteOf(page, label).textContent()).toBe(fault);
      expect(await field.getAttribute("aria-invalid")).toBe("true");
      await field.fill(good);
      await expect.poll(() => field.getAttribute("aria-invalid")).toBe("false");
    }
  });

  test("for a name or an address is read without the spaces that a phone's keyboard adds", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.goto(`${server.url}/#/register`);
    await fill(page, { Username: " ada ", Email: "ada@example.com ", Password: PASSWORD });
    await press(page, "Create account");
    await sees(page, "A confirmation email is on its way to ada.");
    server.succeed(
      await server.finalizeRegistration({ token: await server.confirmationToken("ada@example.com") }),
    );
    await logIn(page, server, "ada ");
    await sees(page, "ada@example.com");
  });

  test("that was left out is told and focused when the button is pressed", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.goto(`${server.url}/#/login`);
    await press(page, "Log in");
    await expect.poll(() => noteOf(page, "Password").textContent()).toBe("This field is required.");
    expect(await page.locator(":focus").getAttribute("name")).toBe("username");
  });

  test("tells what only the server can know, and keeps what was typed", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await openPage();
    await page.goto(`${server.url}/#/register`);
    await fill(page, { Username: "Ada", Email: "grace@example.com", Password: PASSWORD });
    await press(page, "Create account");
    await expect
      .poll(() => noteOf(page, "Username").textContent())
      .toBe("This username is already taken. Choose another one.");
    expect(await page.locator(":focus").getAttribute("name")).toBe("username");
    expect(await alert(page).textContent(), "once is enough").toBe("");
    expect(await page.getByLabel("Email", { exact: true }).inputValue()).toBe("grace@example.com");
    await fill(page, { Username: "grace", Password: "password123" });
    await press(page, "Create account");
    await expect.poll(() => noteOf(page, "Password").textContent()).toContain("common");
    await fill(page, { Password: PASSWORD });
    await press(page, "Create account");
    await heading(page, "Check your email");
  });

  test("drops what the server said of it when another one changes, which may have been the reason", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.goto(`${server.url}/#/register`);
    await fill(page, { Username: "grace", Email: "countess@example.com", Password: "countess@example.com" });
    await press(page, "Create account");
    const password = page.getByLabel("Password", { exact: true });
    await expect.poll(() => password.getAttribute("aria-invalid")).toBe("true");
    await fill(page, { Email: "grace@example.com" });
    await expect.poll(() => password.getAttribute("aria-invalid")).toBe("false");
    await press(page, "Create account");
    await heading(page, "Check your email");
  });

  test("of the server's malformed arguments is marked, each with its fault, and the first is focused", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.goto(`${server.url}/#/login`);
    await fill(page, { "Username or email": "ada\u0000", Password: "battery\u0000" });
    await press(page, "Log in");
    await expect.poll(() => noteOf(page, "Username or email").textContent()).toContain("NUL");
    await expect.poll(() => noteOf(page, "Password").textContent()).toContain("NUL");
    expect(await page.locator(":focus").getAttribute("name")).toBe("username");
    await alert(page).getByText("Fix the fields marked above and try again.").waitFor();
  });

  test("for the repeated password must match, whichever of the two is mended", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.goto(`${server.url}/#/reset?token=a.b.c`);
    await fill(page, { Password: NEW_PASSWORD, "Repeat password": "another" });
    await expect.poll(() => noteOf(page, "Repeat password").textContent()).toBe("The passwords don't match.");
    await press(page, "Set password");
    await fill(page, { "Repeat password": NEW_PASSWORD });
    await expect.poll(() => noteOf(page, "Repeat password").textContent()).toBe("");
    await fill(page, { Password: "something else" });
    await expect.poll(() => noteOf(page, "Repeat password").textContent()).toBe("The passwords don't match.");
  });

  test("for a password can show it, and tells its strength by a meter that comes when one types", async () => {
    const server = await startServer({ env: { PASSWORD_MIN_LENGTH: "10" } });
    const page = await openPage();
    const scripts: string[] = [];
    page.on("request", (request) => request.resourceType() === "script" && scripts.push(request.url()));
    await page.goto(`${server.url}/#/register`);
    await sees(page, "At least 10 characters");
    expect(scripts).toHaveLength(2); // its own, and what it shares with the mailbox
    await fill(page, { Username: "countess", Password: "countess1" });
    await sees(page, "Strength: weak");
    expect(scripts.length).toBeGreaterThan(2);
    await fill(page, { Password: "wobbly turbine orchard 57" });
    await sees(page, "Strength: strong");
    await press(page, "Show password");
    expect(await page.getByLabel("Password", { exact: true }).getAttribute("type")).toBe("text");
    await press(page, "Hide password");
    expect(await page.getByLabel("Password", { exact: true }).getAttribute("type")).toBe("password");
  });

  test("for a password counts the username and the address as easy to guess, whichever is typed first", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.goto(`${server.url}/#/register`);
    await fill(page, { Password: "wobbly.turbine.orchard" });
    await sees(page, "Strength: strong");
    await fill(page, { Username: "wobbly.turbine.orchard" });
    await sees(page, "Strength: very weak");
  });

  test("for a new password is as strong as it is when it is repeated", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.goto(`${server.url}/#/reset?token=a.b.c`);
    await fill(page, {
      "Repeat password": "wobbly turbine orchard 57",
      Password: "wobbly turbine orchard 57",
    });
    await sees(page, "Strength: strong");
  });

  test("for a password that is shown hides it before it is sent", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.goto(`${server.url}/#/login`);
    await fill(page, { "Username or email": "ada", Password: PASSWORD });
    await press(page, "Show password");
    const answer = await holdAnswer(page);
    await press(page, "Log in");
    const password = page.getByLabel("Password", { exact: true });
    await expect.poll(() => password.getAttribute("type")).toBe("password");
    answer.release();
    await sees(page, "Incorrect username or password.");
    expect(await password.getAttribute("type")).toBe("password");
  });
});

describe("a refusal comes with the next step:", () => {
  test("where it is seen, also above the keyboard of a phone", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.setViewportSize({ width: 360, height: 420 });
    await logIn(page, server, "ada");
    await sees(page, "Incorrect username or password.");
    const place = await alert(page).locator("p").first().boundingBox();
    expect(place!.y).toBeGreaterThan(0);
    expect(place!.y + place!.height).toBeLessThanOrEqual(420);
  });

  test("an address that is taken leads to the login, or to a new link", async () => {
    const server = await startServer();
    await server.registerPerson("ada");
    const page = await openPage();
    await page.goto(`${server.url}/#/register`);
    await fill(page, { Username: "grace", Email: "ada@example.com", Password: PASSWORD });
    await press(page, "Create account");
    await alert(page).getByRole("link", { name: "Log in" }).waitFor();
    await alert(page).getByRole("link", { name: "Get a new confirmation link" }).click();
    await heading(page, "Get a new link");
    expect(await page.getByLabel("Email", { exact: true }).inputValue()).toBe("ada@example.com");
  });

  test("a login before the confirmation leads to a new link, and a needless one to the login", async () => {
    const server = await startServer();
    await server.registerPerson("ada");
    const page = await openPage();
    await logIn(page, server, "ada");
    await sees(page, "Your email address isn't confirmed yet.");
    const token = await server.confirmationToken("ada@example.com");
    server.succeed(await server.finalizeRegistration({ token }));
    await follow(page, "Get a new confirmation link");
    await fill(page, { Email: "ada@example.com" });
    await press(page, "Send link");
    await sees(page, "This email address is already confirmed.");
    await alert(page).getByRole("link", { name: "Log in" }).click();
    await heading(page, "Log in");
  });

  test("a wrong password leads to a new one, and an unknown address to the registration", async () => {
    const server = await startServer();
    const page = await openPage();
    await logIn(page, server, "nobody");
    await follow(page, "Reset your password");
    await fill(page, { Email: "nobody@example.com" });
    await press(page, "Send reset link");
    await sees(page, "No account uses this email address.");
    await alert(page).getByRole("link", { name: "Create an account" }).click();
    await heading(page, "Create an account");
  });

  // What a server rarely says: its answer is replaced on the way.
  test.each([
    ["SERVER_BUSY", {}, "The server is busy. Try again in a moment."],
    ["RATE_LIMITED", { retryAfterSeconds: 30 }, "The message of the server."],
    [
      "INTERNAL_SERVER_ERROR",
      { id: "4711" },
      "Something went wrong on our end. Try again, or contact us with this ID: 4711",
    ],
    ["SOME_NEW_CODE", {}, "The message of the server."],
    ["toString", {}, "The message of the server."],
    ["BAD_USER_INPUT", {}, "The message of the server."],
  ])("%s is told in words", async (code, more, sentence) => {
    const server = await startServer();
    const page = await openPage();
    await page.route("**/graphql", (route) =>
      route.fulfill({
        json: {
          data: null,
          errors: [{ message: "The message of the server.", extensions: { code, ...more } }],
        },
      }),
    );
    await logIn(page, server, "ada");
    await alert(page).getByText(sentence).waitFor();
  });

  test("a server that is away is told, and the same button tries again", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await openPage({ allows: /ERR_FAILED/ });
    await page.route("**/graphql", (route) => route.abort(), { times: 1 });
    await logIn(page, server, "ada");
    await alert(page).getByText("We can't reach the server.").waitFor();
    await press(page, "Log in");
    await heading(page, "Your account");
  });

  test("an account that cannot be loaded can be tried again", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await openPage({ allows: /ERR_FAILED/ });
    await logIn(page, server, "ada");
    await sees(page, "ada@example.com");
    // The session is there, its account is not.
    await page.route("**/graphql", (route) =>
      route.request().postData()?.includes("query Me") ? route.abort() : route.continue(),
    );
    await page.reload();
    const button = page.getByRole("button", { name: "Try again" });
    await button.waitFor();
    const answer = await holdAnswer(page);
    await button.click();
    await expect.poll(() => button.getAttribute("aria-busy")).toBe("true");
    expect(await focused(page)).toBe("Try again");
    answer.release();
    await sees(page, "ada@example.com");
    await button.waitFor({ state: "detached" });
  });

  test("an address with a query is that of its page", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.goto(`${server.url}/#/login?from=somewhere`);
    await heading(page, "Log in");
    expect(page.url()).toBe(`${server.url}/#/login`);
  });

  test("an address without a page leads to the start", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.goto(`${server.url}/#/nowhere`);
    await heading(page, "Page not found");
    await follow(page, "Go to the home page");
    await heading(page, "Account Server");
  });
});

test("a button that was pressed is busy until the answer comes, and pressing it again sends nothing", async () => {
  const server = await startServer();
  await server.activePerson("ada");
  const page = await openPage();
  let requests = 0;
  const answer = Promise.withResolvers<undefined>();
  await page.route("**/graphql", async (route) => {
    requests += 1;
    await answer.promise;
    await route.continue();
  });
  await logIn(page, server, "ada");
  const button = page.getByRole("button", { name: "Log in" });
  await expect.poll(() => button.getAttribute("aria-busy")).toBe("true");
  await button.click({ force: true });
  await page.keyboard.press("Enter");
  expect(requests).toBe(1);
  answer.resolve(undefined);
  await heading(page, "Your account");
});

test("nothing that one may want to press moves when a refusal comes", async () => {
  const server = await startServer();
  const page = await openPage();
  for (const [path, button, fields] of [
    ["login", "Log in", { "Username or email": "nobody", Password: PASSWORD }],
    ["forgot-password", "Send reset link", { Email: "nobody@example.com" }],
    ["check-mail/registration", "Send link", { Email: "nobody@example.com" }],
  ] as const) {
    await page.goto(`${server.url}/#/${path}`);
    await fill(page, fields);
    const places = () =>
      page.evaluate(
        "[...document.querySelectorAll('button, .aside a')].map((it) => it.getBoundingClientRect().y)",
      );
    const before = await places();
    await press(page, button);
    await alert(page).getByRole("link").first().waitFor();
    expect(await places(), path).toEqual(before);
  }
});

describe("the page that says to check one's mail", () => {
  test("shows each time that a mail was sent again, where nothing moves, and knows it after a reload", async () => {
    const server = await startServer();
    await server.registerPerson("ada");
    const page = await openPage();
    await page.goto(`${server.url}/#/check-mail/registration`);
    await fill(page, { Email: "ada@example.com" });
    const place = await page.getByRole("button").boundingBox();
    await press(page, "Send link");
    await sees(page, "A confirmation email is on its way to ada@example.com.");
    await press(page, "Send again");
    await page
      .getByRole("status")
      .getByText(/^Sent again at \d/)
      .waitFor();
    expect(await page.getByRole("button").boundingBox()).toEqual(place);

    await page.reload();
    await heading(page, "Check your email");
    await sees(page, "A confirmation email is on its way to ada@example.com.");
    expect(await page.getByLabel("Email", { exact: true }).inputValue()).toBe("ada@example.com");
    await press(page, "Send again");
    await page
      .getByRole("status")
      .getByText(/^Sent again at \d/)
      .waitFor();
  });

  test("is another one for a new password than for the confirmation", async () => {
    const server = await startServer();
    const page = await openPage();
    await page.goto(`${server.url}/#/check-mail/reset`);
    await fill(page, { Email: "ada@example.com" });
    await page.goto(`${server.url}/#/check-mail/registration`);
    await expect.poll(() => page.getByLabel("Email", { exact: true }).inputValue()).toBe("");
  });
});

test("a login that is refused leads to a new confirmation link where the server hides what is missing", async () => {
  const server = await startServer({ env: { HIDE_ACCOUNT_EXISTENCE: "true" } });
  await server.registerPerson("ada");
  const page = await openPage();
  await logIn(page, server, "ada");
  await sees(page, "Incorrect username or password.");
  await sees(page, "make sure you've confirmed your email address");
  await follow(page, "Get a new confirmation link");
  await heading(page, "Get a new link");
});

test("whether an address has an account stays hidden where the server hides it", async () => {
  const server = await startServer({ env: { HIDE_ACCOUNT_EXISTENCE: "true" } });
  const page = await openPage();
  await page.goto(`${server.url}/#/forgot-password`);
  await fill(page, { Email: "nobody@example.com" });
  await press(page, "Send reset link");
  await heading(page, "Check your email");
  await sees(page, "If everything checks out, an email with the next step is on its way.");
});

describe("every page", () => {
  const PAGES = [
    ["home", "/"],
    ["register", "/#/register"],
    ["check-mail", "/#/check-mail/registration"],
    ["finalize", "/#/finalize?token=a.b.c"],
    ["login", "/#/login"],
    ["account", "/#/account"],
    ["forgot-password", "/#/forgot-password"],
    ["new-password", "/#/reset?token=a.b.c"],
    ["not-found", "/#/nowhere"],
  ] as const;

  test.each(PAGES)("%s can be used by everybody, in light and dark, and fits a phone", async (name, path) => {
    const server = await startWithMailbox();
    const page = await openPage();
    if (name === "account") {
      await server.registerPerson("ada");
      const [mail] = await server.mailbox(1);
      await page.goto(/http\S+/.exec(mail!.text)![0]);
      await press(page, "Confirm email address");
      await heading(page, "Your account");
      await sees(page, "ada@example.com");
    }
    await page.goto(server.url + path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    for (const button of await page.locator("button[type=submit]").all()) {
      await button.click(); // so that what is wrong is shown, too
      await expect.poll(() => button.getAttribute("aria-busy")).toBe("false");
    }
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await screenshot(page, `${name}-${colorScheme}`);
      await expectAccessible(page);
    }
    await page.setViewportSize({ width: 320, height: 640 });
    await screenshot(page, `${name}-phone`);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(320);
  });
});

describe("what is served", () => {
  test("is less than 150 kB of gzipped JavaScript for the first page", async () => {
    const server = await startServer();
    const page = await openPage();
    const scripts: Promise<Buffer>[] = [];
    page.on("response", (response) => {
      if (response.request().resourceType() === "script") scripts.push(response.body());
    });
    await page.goto(server.url);
    await heading(page, "Account Server");
    const sizes = (await Promise.all(scripts)).map((script) => gzipSync(script).length);
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(150_000);
  });

  test("names the product and the developers' pages that there are, whatever its name holds", async () => {
    const server = await startServer({ env: { APP_NAME: `Ada's "Shop" <&$'>` } });
    const page = await openPage();
    await page.goto(server.url);
    await heading(page, `Ada's "Shop" <&$'>`);
    expect(await page.title()).toBe(`Ada's "Shop" <&$'>`);
    await follow(page, "Log in");
    await expect.poll(() => page.title()).toBe(`Log in · Ada's "Shop" <&$'>`);
    await goBack(page);
    await page.getByRole("link", { name: "GraphiQL" }).waitFor();
    expect(await page.getByRole("link", { name: "Mailbox" }).count()).toBe(0); // mails go out by SMTP
  });
});
