// The pages for people who develop, in a real browser: the mailbox, GraphiQL, and where the mailed links lead.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import { screenshot, useBrowser } from "../support/browser.ts";
import { temporaryFolder } from "../support/process.ts";
import { PASSWORD, startServer, type TestServer } from "../support/server.ts";

const openPage = useBrowser();

/** A server whose mails stay in its mailbox. */
async function startWithMailbox(): Promise<TestServer> {
  const dataDir = await temporaryFolder();
  return startServer({ env: { MAIL_SERVER: "", DATA_DIR: dataDir } });
}

const listed = (page: Page) => page.locator("#list button");

test("the mailbox shows mails as they come, each as HTML, text and source, and can be cleared", async () => {
  const server = await startWithMailbox();
  const page = await openPage();
  await page.goto(`${server.url}/mailbox`);
  await page.getByText("No mail yet.").waitFor();
  await page.getByText("0 mails").waitFor(); // it listens

  await server.registerPerson("ada");
  await page.getByRole("heading", { name: "Confirm your account" }).waitFor();
  await page.frameLocator("iframe").getByRole("link", { name: "Confirm account" }).waitFor();
  await server.registerPerson("grace");
  await page.getByText("2 mails").waitFor();
  expect(await listed(page).nth(0).textContent()).toContain("grace <grace@example.com>");
  await screenshot(page, "mailbox-light");

  await listed(page).nth(1).click();
  await page.getByText("To ada <ada@example.com>").waitFor();
  await page.getByRole("tab", { name: "HTML" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.locator("pre", { hasText: "Hello ada," }).waitFor();
  await page.keyboard.press("ArrowRight");
  await page.locator("pre", { hasText: "Auto-Submitted: auto-generated" }).waitFor();
  await page.emulateMedia({ colorScheme: "dark" });
  await screenshot(page, "mailbox-dark");

  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByText("No mail yet.").waitFor();
  expect(await (await fetch(`${server.url}/mailbox/messages`)).json()).toEqual([]);
});

test("a mail that was chosen stays in view when others come", async () => {
  const server = await startWithMailbox();
  await server.registerPerson("ada");
  const page = await openPage();
  await page.goto(`${server.url}/mailbox`);
  await listed(page).first().click();
  await server.registerPerson("grace");
  await page.getByText("2 mails").waitFor();
  await page.getByText("To ada <ada@example.com>").waitFor();
});

test("the mailbox fits a phone", async () => {
  const server = await startWithMailbox();
  await server.registerPerson("ada");
  const page = await openPage();
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto(`${server.url}/mailbox`);
  await page.frameLocator("iframe").getByRole("link", { name: "Confirm account" }).waitFor();
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(320);
  await screenshot(page, "mailbox-phone");
});

test("the button in a mail opens the page that says what to run, and the token leaves the address bar", async () => {
  const server = await startWithMailbox();
  await server.registerPerson("ada");
  const page = await openPage();
  await page.goto(`${server.url}/mailbox`);
  const [opened] = await Promise.all([
    page.context().waitForEvent("page"),
    page.frameLocator("iframe").getByRole("link", { name: "Confirm account" }).click(),
  ]);
  const operation = await opened.locator("#operation").textContent();
  expect(opened.url()).toBe(`${server.url}/`);
  await screenshot(opened, "home-with-link");

  server.refuse(await server.login("ada", PASSWORD), "ACCOUNT_NOT_ACTIVATED"); // opening it has changed nothing
  const { errors } = await server.execute(operation!);
  expect(errors).toEqual([]);
  server.succeed(await server.login("ada", PASSWORD));
});

test("a link pasted into the open page is taken too, though only the fragment changes", async () => {
  const server = await startWithMailbox();
  const page = await openPage();
  await page.goto(`${server.url}/`);
  await page.getByText("Open GraphiQL and follow its tabs").waitFor();
  await page.evaluate("location.hash = '#/reset?token=abc.def'");
  await page.getByText("Set a new password").waitFor();
  expect(await page.locator("#operation").textContent()).toContain('token: "abc.def"');
  expect(page.url()).toBe(`${server.url}/`);
});

test("GraphiQL holds the flow as ready tabs and runs it", async () => {
  const server = await startWithMailbox();
  const page = await openPage();
  await page.goto(`${server.url}/graphql`);
  const tabs = page.locator(".graphiql-tab-button");
  await tabs.first().waitFor();
  expect(await tabs.allTextContents()).toEqual([
    "Register",
    "FinalizeRegistration",
    "Login",
    "Me",
    "ResendRegistration",
    "RequestReset",
    "FinalizeReset",
  ]);
  await page.locator(".graphiql-execute-button").click();
  await page.getByText("is on its way to user").waitFor();
  await screenshot(page, "graphiql");
});
