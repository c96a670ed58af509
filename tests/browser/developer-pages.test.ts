// The pages for people who develop, in a real browser: the mailbox and GraphiQL.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import { expectAccessible, screenshot, useBrowser } from "../support/browser.ts";
import { startWithMailbox } from "../support/server.ts";

const openPage = useBrowser();

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
  await expectAccessible(page);
  await page.keyboard.press("ArrowRight");
  await page.locator("pre", { hasText: "Auto-Submitted: auto-generated" }).waitFor();
  await page.emulateMedia({ colorScheme: "dark" });
  await screenshot(page, "mailbox-dark");
  await expectAccessible(page);

  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByText("No mail yet.").waitFor();
  await server.mailbox(0);
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
