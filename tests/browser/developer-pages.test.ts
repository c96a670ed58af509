// The pages for people who develop, in a real browser: the mailbox and GraphiQL.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import { expectAccessible, screenshot, useBrowser } from "../support/browser.ts";
import { temporaryFolder } from "../support/process.ts";
import { PASSWORD, startWithMailbox } from "../support/server.ts";

const openPage = useBrowser();

const listed = (page: Page) => page.locator("#list button");

test("the mailbox shows mails as they come, each as HTML, text and source, and can be cleared", async () => {
  const server = await startWithMailbox();
  const page = await openPage();
  await page.goto(`${server.url}/mailbox`);
  await page.getByText("No mail yet.").waitFor();
  await page.getByText("0 mails").waitFor(); // it listens

  await server.registerPerson("ada");
  await page.getByRole("heading", { name: "Confirm your email address" }).waitFor();
  await page.frameLocator("iframe").getByRole("link", { name: "Confirm email address" }).waitFor();
  await server.registerPerson("grace");
  await page.getByText("2 mails").waitFor();
  expect(await listed(page).nth(0).textContent()).toContain("grace@example.com");
  await screenshot(page, "mailbox-light");

  await listed(page).nth(1).click();
  await page.getByText("To ada@example.com").waitFor();
  await page.getByRole("tab", { name: "HTML" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.locator("pre", { hasText: "Hello," }).waitFor();
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
  await page.getByText("To ada@example.com").waitFor();
});

test("a mail that comes after all were cleared elsewhere is shown, not the one that was in view", async () => {
  const server = await startWithMailbox();
  await server.registerPerson("ada");
  const page = await openPage();
  await page.goto(`${server.url}/mailbox`);
  await listed(page).first().click();
  await page.getByText("To ada@example.com").waitFor();
  await fetch(`${server.url}/mailbox/messages`, { method: "DELETE" });
  await server.registerPerson("grace");
  await page.getByText("To grace@example.com").waitFor();
  await page.frameLocator("iframe").getByText("someone used this email address").waitFor();
  await page.locator("#list button[aria-current=true]", { hasText: "grace" }).waitFor();
});

test("the mailbox shows what it learned last, whatever comes late", async () => {
  const server = await startWithMailbox();
  const page = await openPage();
  const late = Promise.withResolvers<undefined>();
  await page.goto(`${server.url}/mailbox`);
  await page.getByText("0 mails").waitFor();
  const asked = page.waitForRequest("**/mailbox/messages");
  await page.route(
    "**/mailbox/messages",
    async (route) => {
      const response = await route.fetch();
      await late.promise;
      await route.fulfill({ response });
    },
    { times: 1 },
  );
  await server.registerPerson("ada");
  const first = await asked;
  await server.registerPerson("grace");
  await page.getByText("2 mails").waitFor();
  late.resolve(undefined);
  await (await first.response())?.finished();
  await page.evaluate("new Promise(requestAnimationFrame)");
  expect(await page.locator("#count").textContent()).toBe("2 mails");
});

test("the mailbox listens only while one looks, since a browser has few connections to a server", async () => {
  const server = await startWithMailbox();
  const page = await openPage();
  const look = (hidden: boolean) =>
    page.evaluate(
      `Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));`,
    );
  await page.goto(`${server.url}/mailbox`);
  await page.getByText("0 mails").waitFor();
  const closed = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/mailbox/events"));
  await look(true);
  await closed;
  await server.registerPerson("ada");
  await server.mailbox(1);
  expect(await page.locator("#count").textContent()).toBe("0 mails");
  await look(false);
  await page.getByText("1 mail", { exact: true }).waitFor();
  await server.registerPerson("grace");
  await page.getByText("2 mails").waitFor();
});

test("the mailbox says that it is empty when it knows, and that it cannot be loaded", async () => {
  const server = await startWithMailbox();
  const page = await openPage({ allows: /500/ });
  await page.route("**/mailbox/messages", (route) => route.fulfill({ status: 500, body: "{}" }), {
    times: 1,
  });
  await page.goto(`${server.url}/mailbox`);
  await page.getByText("The server does not answer as it should.").waitFor();
  expect(await page.getByText("No mail yet.").isVisible()).toBe(false);
  await server.registerPerson("ada");
  await page.getByText("1 mail", { exact: true }).waitFor();
});

/** A data folder with a mailbox that already contains one email from 2020. */
async function folderWithMail({ type, body }: { type: string; body: string }): Promise<string> {
  const dataDir = await temporaryFolder();
  await mkdir(join(dataDir, "mailbox"));
  const mail = [
    "To: ada@example.com",
    "Subject: Old",
    "Date: Mon, 03 Feb 2020 12:00:00 +0000",
    `Content-Type: ${type}; charset=utf-8`,
    "",
    body,
    "",
  ];
  await writeFile(join(dataDir, "mailbox", "00000001.eml"), mail.join("\r\n"));
  return dataDir;
}

test("the mailbox tells the day of a mail of another day", async () => {
  const dataDir = await folderWithMail({ type: "text/plain", body: "Hello" });
  const server = await startWithMailbox({ DATA_DIR: dataDir });
  await server.registerPerson("grace");
  const page = await openPage();
  await page.goto(`${server.url}/mailbox`);
  await page.getByText("2 mails").waitFor();
  expect(await listed(page).nth(1).textContent()).toContain("2020");
  expect(await listed(page).nth(0).textContent()).not.toContain(String(new Date().getFullYear()));
});

test("the mailbox shows the styles and images of an email and runs none of its scripts", async () => {
  const picture = "<svg xmlns='http://www.w3.org/2000/svg' width='7' height='5'/>";
  const body = `<style>p { color: rgb(1, 2, 3) }</style>
<p style="font-size: 31px">Hello</p>
<img src="data:image/svg+xml,${encodeURIComponent(picture)}">
<script>document.querySelector("p").textContent = "Taken over"</script>`;
  const dataDir = await folderWithMail({ type: "text/html", body });
  const server = await startWithMailbox({ DATA_DIR: dataDir });
  const page = await openPage({ allows: /Blocked script execution/ });
  await page.goto(`${server.url}/mailbox`);
  await page.frameLocator("iframe").getByText("Hello").waitFor();
  const [, mail] = page.frames();
  expect(await mail?.evaluate("getComputedStyle(document.querySelector('p')).color")).toBe("rgb(1, 2, 3)");
  expect(await mail?.evaluate("getComputedStyle(document.querySelector('p')).fontSize")).toBe("31px");
  await expect.poll(() => mail?.evaluate("document.querySelector('img').naturalWidth")).toBe(7);
});

test("the focus stays on an email in the list when others arrive", async () => {
  const server = await startWithMailbox();
  await server.registerPerson("ada");
  const page = await openPage();
  await page.goto(`${server.url}/mailbox`);
  await listed(page).first().focus();
  await server.registerPerson("grace");
  await page.getByText("2 mails").waitFor();
  expect(await page.locator("#list button:focus").textContent()).toContain("ada@example.com");
});

test("the mailbox leads to the web client where there is one", async () => {
  const uri = "https://app.example.com/";
  const withClient = await startWithMailbox();
  const without = await startWithMailbox({ WEB_CLIENT: "false", CONFIRMATION_URI: uri, RESET_URI: uri });
  const page = await openPage(); // last, so that it is closed before the servers that it listens to
  await page.goto(`${withClient.url}/mailbox`);
  await page.getByRole("link", { name: "Account server" }).waitFor();
  await page.goto(`${without.url}/mailbox`);
  await page.getByRole("link", { name: "GraphiQL" }).waitFor();
  expect(await page.getByRole("link", { name: "Account server" }).count()).toBe(0);
});

test("the mailbox fits a phone", async () => {
  const server = await startWithMailbox();
  await server.registerPerson("ada");
  const page = await openPage();
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto(`${server.url}/mailbox`);
  await page.frameLocator("iframe").getByRole("link", { name: "Confirm email address" }).waitFor();
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
  await page.getByText("is on its way to ada").waitFor();
  await screenshot(page, "graphiql");

  for (const name of (await tabs.allTextContents()).reverse()) {
    await tabs.getByText(name, { exact: true }).click();
    await page.getByRole("tab", { name, selected: true }).waitFor();
    await page.locator(".graphiql-query-editor").getByText(name, { exact: true }).waitFor();
  }
});

test("GraphiQL keeps nothing of what is typed, and can be loaded again with a query in its address", async () => {
  const server = await startWithMailbox();
  const page = await openPage();
  await page.goto(`${server.url}/graphql`);
  const editor = page.locator(".graphiql-query-editor");
  await editor.getByText("Register", { exact: true }).waitFor();
  await editor.click();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type(
    `mutation Mine { login(username: "ada", password: "${PASSWORD}") { accessToken } }`,
  );
  await page.locator(".graphiql-tab-button", { hasText: "Mine" }).waitFor();
  await page.locator(".graphiql-execute-button").click();
  await page.getByText("INVALID_CREDENTIALS").waitFor();
  expect(page.url()).toBe(`${server.url}/graphql`);
  expect(await page.evaluate("JSON.stringify([localStorage, sessionStorage])")).toBe("[{},{}]");

  await page.goto(`${server.url}/graphql?query=${encodeURIComponent("query Given { me { id } }")}`);
  await editor.getByText("Given").waitFor();
  await page.reload();
  await editor.getByText("Given").waitFor();
});
