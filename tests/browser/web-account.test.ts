// What a signed-in person does with the account in the web client, and an administrator with those of others.
import { readFile } from "node:fs/promises";

import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";

import { expectAccessible, screenshot, useBrowser, type PageOptions } from "../support/browser.ts";
import { fill, follow, heading, logIn, press, sees } from "../support/page-actions.ts";
import { DAY, MINUTE, PASSWORD, startServer, type TestServer } from "../support/server.ts";
import { linkIn } from "../support/smtp.ts";

const openPage = useBrowser();
const NEW_PASSWORD = "an even better battery";

/** A page on which ada is signed in. */
async function signedIn(server: TestServer, options: PageOptions = {}): Promise<Page> {
  const page = await openPage(options);
  await logIn(page, server, "ada");
  await sees(page, "ada@example.com");
  return page;
}

describe("the session", () => {
  test("is renewed when the access token is good no longer, in two tabs at once, too", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await signedIn(server);
    const other = await page.context().newPage();
    await other.goto(`${server.url}/#/account`);
    await sees(other, "ada@example.com");
    server.advance(16 * MINUTE);
    await Promise.all([page, other].map((tab) => follow(tab, "Recent activity")));
    await Promise.all([page, other].map((tab) => sees(tab, "Logged in")));
    await page.reload();
    await sees(page, "Logged in");
  });

  test("keeps no token where a script can read it", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await signedIn(server);
    const kept = await page.evaluate(
      "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])",
    );
    expect(JSON.parse(kept as string)).toEqual([{ "account-session /graphql": "cookie" }, {}, ""]);
    const hidden = { httpOnly: true, sameSite: "Strict" };
    expect(await page.context().cookies()).toEqual([
      expect.objectContaining({ name: "refresh_token", ...hidden }),
      expect.objectContaining({ name: "device_tokens", ...hidden }),
    ]);
  });

  test("can be ended on another device, which learns of it at its next step", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const lost = await signedIn(server);
    const page = await signedIn(server);
    await follow(page, "Devices");
    await sees(page, "This device");
    const browsers = page.locator(".rows").getByText("Chrome on Linux");
    await expect.poll(() => browsers.count()).toBe(2); // the third signed in by no browser
    await page.getByRole("button", { name: "Log out this device" }).first().click();
    await expect.poll(() => browsers.count()).toBe(1);
    await follow(lost, "Recent activity");
    await heading(lost, "Log in");
    await sees(lost, "Your session has ended. Log in again.");
    await sees(page, "Chrome on Linux is logged out.");
    await press(page, "Log out on all devices");
    await sees(page, "Log out on all devices, including this one?");
    await screenshot(page, "devices-question");
    await press(page, "Yes, log out on all devices");
    await sees(page, "You're logged out on all devices.");
    expect(await server.query("select 1 from accounts.sessions")).toEqual([]);
  });
});

describe("another person who logs in with the same browser", () => {
  const login = `mutation { login(username: "grace", password: "${PASSWORD}") { user { id } } }`;

  test("is shown in the other tabs, too, and what was typed there is gone", async () => {
    const server = await startServer();
    const grace = await server.registerPerson("grace");
    await server.activePerson("ada");
    const page = await signedIn(server);
    await follow(page, "Change username");
    await fill(page, { Username: "countess" });
    const other = await page.context().newPage();
    const token = await server.confirmationToken(grace.email);
    await other.goto(`${server.url}/#/finalize?token=${token}`);
    await press(other, "Confirm email address");
    await sees(other, "grace@example.com");
    await heading(page, "Your account");
    await sees(page, "Someone else has logged in with this browser.");
    await sees(page, "grace@example.com");
    await follow(page, "Change username");
    expect(await page.getByLabel("Username").inputValue()).toBe("");
  });

  test("has nothing done in their name by a tab that did not hear of it, which shows them from then on", async () => {
    const server = await startServer();
    await server.activePerson("grace");
    await server.activePerson("ada");
    const page = await signedIn(server);
    await follow(page, "Change username");
    await fill(page, { Username: "countess" });
    const headers = { "session-transport": "cookie" };
    await page.context().request.post(`${server.url}/graphql`, { headers, data: { query: login } });
    server.advance(16 * MINUTE);

    await press(page, "Change username");

    await heading(page, "Your account");
    await sees(page, "Someone else has logged in with this browser.");
    await sees(page, "grace@example.com");
    const names = await server.query("select username from accounts.users order by 1");
    expect(names).toEqual([{ username: "ada" }, { username: "grace" }]);
  });

  test("has nothing done in their name by a mailed link of somebody else, which stays good", async () => {
    const server = await startServer();
    await server.activePerson("grace");
    const ada = await server.activePerson("ada");
    const page = await signedIn(server);
    const token = await server.askForEmailChange(ada, "lovelace@example.com");
    await page.goto(`${server.url}/#/change-email?token=${token}`);
    const headers = { "session-transport": "cookie" };
    await page.context().request.post(`${server.url}/graphql`, { headers, data: { query: login } });
    server.advance(16 * MINUTE);
    await press(page, "Confirm email address");
    await sees(page, "Someone else has logged in with this browser, so nothing was changed. Try again.");
    await press(page, "Confirm email address");
    await sees(page, "Enter your password to continue.");
    await fill(page, { Password: PASSWORD });
    await press(page, "Confirm email address");
    await sees(page, "Your email address is now lovelace@example.com.");
    await sees(page, "ada");
  });
});

describe("a signed-in person", () => {
  test("changes the password and stays signed in", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await signedIn(server);
    await follow(page, "Change password");
    await fill(page, { "Current password": "not this one", "New password": NEW_PASSWORD });
    await press(page, "Change password");
    await sees(page, "Incorrect password.");
    await fill(page, { "Current password": PASSWORD });
    await press(page, "Change password");
    await sees(page, "Your password has been changed.");
    await sees(page, "ada@example.com");
    server.succeed(await server.login({ username: "ada", password: NEW_PASSWORD }));
  });

  test("changes the address by the link to the new one, and undoes it by the link to the old one", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await signedIn(server);
    await follow(page, "Change email");
    await fill(page, { "New email": "lovelace@example.com", Password: PASSWORD });
    await press(page, "Send confirmation link");
    await sees(page, "A confirmation email is on its way to lovelace@example.com.");
    await page.goto(linkIn(await server.smtp.mailTo("lovelace@example.com")));
    await press(page, "Confirm email address");
    await sees(page, "Your email address is now lovelace@example.com.");

    const notice = await server.smtp.mailTo("ada@example.com", ({ mail }) =>
      (mail.subject ?? "").includes("was changed"),
    );
    await page.goto(linkIn(notice));
    await heading(page, "Undo the change of your email address");
    await screenshot(page, "undo-email-change");
    await press(page, "Undo the change");
    await heading(page, "Now secure your account");
    await sees(page, "Your email address is ada@example.com again, and all other devices are logged out.");
    await screenshot(page, "secure-account");
    await expectAccessible(page);
    await press(page, "Send a link to choose a new password");
    await heading(page, "Check your email");
    const reset = await server.smtp.mailTo("ada@example.com", ({ mail }) =>
      (mail.subject ?? "").startsWith("Reset"),
    );
    await page.goto(linkIn(reset));
    await fill(page, { Password: NEW_PASSWORD, "Repeat password": NEW_PASSWORD });
    await press(page, "Set password");
    await sees(page, "Your password has been changed, and you're logged in.");
  });

  test("is asked for the password by the link to the new address where somebody else may have opened it", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const token = await server.askForEmailChange(ada, "lovelace@example.com");
    const page = await openPage();
    await page.goto(`${server.url}/#/change-email?token=${token}`);
    await press(page, "Confirm email address");
    await sees(page, "If you didn't ask for this, close this page.");
    await sees(page, "Enter your password to continue.");
    await screenshot(page, "change-email-password");
    await expectAccessible(page);
    await page.keyboard.type("not this one"); // the field has the focus
    await press(page, "Confirm email address");
    await sees(page, "Incorrect password.");
    await fill(page, { Password: PASSWORD });
    await press(page, "Confirm email address");
    await sees(page, "Your email address is now lovelace@example.com.");
  });

  test("is not asked for it in a tab whose access token is good no longer", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await signedIn(server);
    server.advance(16 * MINUTE);
    const { accessToken } = server.succeed(await server.login({ username: "ada", password: PASSWORD }));
    const token = await server.askForEmailChange({ accessToken }, "lovelace@example.com");
    await page.goto(`${server.url}/#/change-email?token=${token}`);
    await press(page, "Confirm email address");
    await sees(page, "Your email address is now lovelace@example.com.");
  });

  test("makes a change of address final", async () => {
    const server = await startServer();
    await server.changeEmail(await server.activePerson("ada", "lost@example.com"), "ada@example.com");
    const page = await signedIn(server);
    await follow(page, "Change email");
    await follow(page, "Make the change final");
    await fill(page, { Password: PASSWORD });
    await press(page, "Make change final");
    await sees(page, "In 3 days at the latest, the change of your email address can no longer be undone.");
  });

  test("changes the username", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    await server.activePerson("grace");
    const page = await signedIn(server);
    await follow(page, "Change username");
    await fill(page, { Username: "Grace" });
    await press(page, "Change username");
    await sees(page, "This username is already taken. Choose another one.");
    await fill(page, { Username: "countess" });
    await press(page, "Change username");
    await sees(page, "Your username is now countess.");
    await expect.poll(() => page.locator("dd").first().textContent()).toBe("countess");
  });

  test("deletes the account, and has it back by logging in", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await signedIn(server);
    await follow(page, "Delete account");
    await fill(page, { Password: PASSWORD });
    await press(page, "Delete account");
    await sees(page, "Your account is deleted.");
    await page.reload();
    await follow(page, "Log in");
    await fill(page, { "Username or email": "ada", Password: PASSWORD });
    await press(page, "Log in");
    await sees(page, "ada@example.com");
  });

  test("exports what is stored as a file", async () => {
    const server = await startServer();
    const { id } = await server.activePerson("ada");
    const page = await signedIn(server);
    await follow(page, "Export your data");
    await fill(page, { Password: PASSWORD });
    const [download] = await Promise.all([page.waitForEvent("download"), press(page, "Export")]);
    expect(download.suggestedFilename()).toBe("account.json");
    const file = JSON.parse(await readFile(await download.path(), "utf8")) as { user: { id: string } };
    expect(file.user.id).toBe(id);
  });

  test("sees nothing of the administrators' pages", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await signedIn(server);
    expect(await page.getByRole("link", { name: "Users" }).count()).toBe(0);
    await page.goto(`${server.url}/#/users`);
    await sees(page, "Only administrators can do this.");
  });
});

test("an administrator finds a user, gives the role, deactivates, and reads what happened", async () => {
  const server = await startServer();
  await server.admin("ada");
  for (const name of ["grace", "hedy"]) await server.activePerson(name);
  const page = await signedIn(server);
  await follow(page, "Users");
  await sees(page, "hedy");
  await page.getByLabel("Search").fill("GRA");
  await expect.poll(() => page.locator(".rows li").count()).toBe(1);
  await follow(page, "grace");
  await heading(page, "grace");
  await press(page, "Make administrator");
  await press(page, "Cancel");
  await press(page, "Make administrator");
  await press(page, "Yes, make administrator");
  await sees(page, "grace is now an administrator.");
  await sees(page, "User, Administrator");
  await press(page, "Deactivate");
  await sees(page, /^Deactivate grace\?/);
  await screenshot(page, "user-question");
  await expectAccessible(page);
  await press(page, "Yes, deactivate");
  await sees(page, "grace is deactivated.");
  await press(page, "Reactivate");
  await sees(page, "grace can log in again.");
  await press(page, "Remove administrator role");
  await press(page, "Yes, remove administrator role");
  await sees(page, "grace is no longer an administrator.");
  // Without a reload: the page has read again what happened.
  await expect.poll(() => page.getByText("by an administrator").count()).toBe(4);
  await page.goto(`${server.url}/#/users`);
  await follow(page, "ada");
  await press(page, "Deactivate");
  await press(page, "Yes, deactivate");
  await sees(page, "This is the only administrator.");
});

test("an administrator whose password was given long ago is asked for it, and goes on", async () => {
  const server = await startServer();
  await server.admin("ada");
  const { id } = await server.activePerson("grace");
  const page = await signedIn(server);
  await server.query("update accounts.sessions set password_confirmed_at = now() - interval '1 hour'");
  await page.goto(`${server.url}/#/users/${id}`);
  await press(page, "Make administrator");
  await press(page, "Yes, make administrator");
  await sees(page, "Enter your password to continue.");
  await screenshot(page, "user-password");
  await expectAccessible(page);
  await page.keyboard.type("not this one"); // the field has the focus
  await press(page, "Continue");
  await sees(page, "Incorrect password.");
  await fill(page, { "Your password": PASSWORD });
  await press(page, "Continue");
  await sees(page, "User, Administrator");
  await press(page, "Deactivate");
  await press(page, "Yes, deactivate");
  await page.getByRole("button", { name: "Reactivate", exact: true }).waitFor();
});

test("an administrator sees that an account is deleted", async () => {
  const server = await startServer();
  await server.admin("ada");
  const grace = await server.activePerson("grace");
  server.succeed(await server.as(grace.accessToken).deleteAccount({ password: PASSWORD }));
  const page = await signedIn(server);
  await follow(page, "Users");
  await sees(page, /grace@example\.com · Deleted, erased on/);
  await follow(page, "grace");
  await sees(page, /^Deleted, erased on/);
});

/** Leaves an email that was requested by each of these people unsent. */
async function leaveUnsent(server: TestServer, mails: readonly Unsent[]): Promise<void> {
  for (const { name, mail = "registration", state, error, attempts = 1 } of mails) {
    await server.query(
      `insert into accounts_queue.job (name, data, state, start_after, started_on, retry_count, output)
       select 'mail', jsonb_build_object('mail', $2::text, 'userId', id, 'credentialVersion', 1, 'requestedAt', now()),
         $3::accounts_queue.job_state, now() + interval '1 day', now(), $4,
         jsonb_build_object('message', $5::text, 'kind', 'refused', 'deferrals', 1, 'unsure', 0)
       from accounts.users where username = $1`,
      [name, mail, state, attempts - 1, error ?? null],
    );
  }
}

interface Unsent {
  readonly name: string;
  readonly mail?: string;
  readonly state: "failed" | "retry" | "created";
  readonly error?: string;
  readonly attempts?: number;
}

const REFUSED = "the SMTP server mail.example.com:587 did not accept the email: EENVELOPE RCPT TO";

describe("unsent emails", () => {
  test("are none at first, and in a few words, to an administrator", async () => {
    const server = await startServer();
    await server.admin("ada");
    const page = await signedIn(server);
    await follow(page, "Unsent emails");
    await sees(page, "No unsent emails.");
    await screenshot(page, "emails-none");
  });

  test("are shown with those that have failed first, and why, and are retried or discarded", async () => {
    const server = await startServer();
    await server.admin("ada");
    for (const name of ["grace", "hedy", "joan"]) await server.activePerson(name);
    await server.mailsSettled();
    await leaveUnsent(server, [
      { name: "joan", state: "created", mail: "roles-changed" },
      { name: "hedy", state: "retry", error: `${REFUSED} 452 4.2.2`, attempts: 7, mail: "reset" },
      { name: "grace", state: "failed", error: `${REFUSED} 550 5.1.1`, mail: "password-changed" },
      { name: "hedy", state: "failed", error: "<img src=x onerror=alert(1)>", mail: "sessions-ended" },
    ]);
    const page = await signedIn(server);
    await follow(page, "Unsent emails");
    const titles = page.locator("h2");
    await expect.poll(() => titles.allTextContents()).toEqual(["Failed", "Retrying", "Waiting"]);
    await sees(page, "There's no mailbox with this address.");
    await sees(page, "The mailbox is full.");
    await sees(page, "<img src=x onerror=alert(1)>");
    await screenshot(page, "emails");
    await page.setViewportSize({ width: 390, height: 800 });
    await page.emulateMedia({ colorScheme: "dark" });
    await screenshot(page, "emails-phone-dark");
    await expectAccessible(page);

    const failed = page.getByRole("region", { name: "Failed" });
    await failed.getByRole("button", { name: "Retry" }).first().click();
    await sees(page, "The email is on its way again.");
    await server.smtp.mailTo("grace@example.com", ({ mail }) =>
      /^Your password .* was changed$/.test(mail.subject ?? ""),
    );
    await expect.poll(() => failed.getByRole("button").count()).toBe(2); // the list has come anew
    await failed.getByRole("button", { name: "Discard" }).click();
    await sees(page, "It will never be sent.");
    await screenshot(page, "emails-discard");
    await expectAccessible(page);
    await press(page, "Yes, discard");
    await sees(page, "The email was discarded.");
    await press(page, "Refresh");
    await expect.poll(() => titles.allTextContents()).toEqual(["Retrying", "Waiting"]);
    await page.getByRole("region", { name: "Retrying" }).getByRole("link", { name: "hedy" }).click();
    await sees(page, "Unsent email discarded");
  });
});

test("a long list comes page by page", async () => {
  const server = await startServer();
  const { id } = await server.admin("ada");
  await server.query(
    `insert into accounts.account_events (user_id, type, occurred_at, actor)
     select $1, 'LOGIN_FAILED', now(), 'ANYONE' from generate_series(1, 45)`,
    [id],
  );
  const page = await signedIn(server);
  await follow(page, "Recent activity");
  const rows = page.locator(".rows li strong");
  await expect.poll(() => rows.count()).toBe(20);
  await press(page, "Show more");
  await expect.poll(() => rows.count()).toBe(40);
  await press(page, "Show more");
  await expect.poll(() => page.getByText("Account created").count()).toBe(1);
  expect(await page.getByRole("button", { name: "Show more" }).count()).toBe(0);
});

test.each([
  ["account/password"],
  ["account/email"],
  ["account/email/undo"],
  ["account/username"],
  ["account/devices"],
  ["account/activity"],
  ["account/export"],
  ["account/delete"],
  ["users"],
  ["emails"],
  ["account/secure"],
  ["change-email?token=a.b.c"],
  ["undo-email-change?token=a.b.c"],
])("the page %s can be used by everybody, in light and dark, and fits a phone", async (path) => {
  const server = await startServer();
  await server.admin("ada");
  const page = await signedIn(server);
  await page.goto(`${server.url}/#/${path}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await expect.poll(() => page.getByText("Loading…").count()).toBe(0);
  const name = path.replaceAll("/", "-").replace(/\?.*/, "");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await screenshot(page, `${name}-${colorScheme}`);
    await expectAccessible(page);
  }
  await page.setViewportSize({ width: 320, height: 640 });
  await screenshot(page, `${name}-phone`);
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(320);
});

test("a session that was not used for too long is over, and the login says so", async () => {
  const server = await startServer();
  await server.activePerson("ada");
  const page = await signedIn(server);
  server.advance(31 * DAY);
  await page.reload();
  await heading(page, "Log in");
  await sees(page, "Your session has ended. Log in again.");
});

describe("a list while the server is away", () => {
  test.each([
    ["account/devices", "Chrome on Linux"],
    ["account/activity", "Logged in"],
    ["users", "ada@example.com"],
    ["emails", "No unsent emails."],
  ])("says so at %s, instead of showing nothing, and tries again", async (path, content) => {
    const server = await startServer();
    await server.admin("ada");
    const page = await signedIn(server, { allows: /Failed to load resource/ });
    const endpoint = `${server.url}/graphql`;
    await page.route(endpoint, (route) => route.abort());
    await page.goto(`${server.url}/#/${path}`);
    await sees(page, "We can't reach the server.");
    await page.unroute(endpoint);
    await press(page, "Try again");
    await sees(page, content);
    expect(await page.getByRole("button", { name: "Try again" }).count()).toBe(0);
  });
});
