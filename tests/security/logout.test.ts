// Logging out is near, and leaves nothing.
import { expect, test } from "vitest";

import { useBrowser } from "../support/browser.ts";
import { heading, logIn, press, sees } from "../support/page-actions.ts";
import { startServer } from "../support/server.ts";

const openPage = useBrowser();

test("every page of somebody who is logged in shows the way to the button that logs out", async () => {
  const server = await startServer();
  await server.admin("ada");
  const page = await openPage();
  await logIn(page, server, "ada");
  await sees(page, "ada@example.com");
  const paths = ["password", "email", "username", "devices", "activity", "export", "delete"];
  for (const path of [...paths.map((name) => `account/${name}`), "users"]) {
    await page.goto(`${server.url}/#/${path}`);
    await page.getByRole("banner").getByRole("link", { name: "Account", exact: true }).click();
    await heading(page, "Your account");
    await page.getByRole("button", { name: "Log out", exact: true }).waitFor();
  }
});

test("logging out leaves nothing of the account in the page or in the browser's storage", async () => {
  const server = await startServer();
  await server.activePerson("ada");
  const page = await openPage();
  await logIn(page, server, "ada");
  await sees(page, "ada@example.com");

  await press(page, "Log out");
  await heading(page, "Account Server");

  expect(await page.evaluate("document.documentElement.innerHTML")).not.toContain("ada@example.com");
  expect(await page.evaluate("localStorage.length + sessionStorage.length")).toBe(0);
  expect(await page.evaluate("indexedDB.databases().then((databases) => databases.length)")).toBe(0);
  expect(await page.evaluate("caches.keys().then((keys) => keys.length)")).toBe(0);
  // What marks the device gives no access; it keeps strangers' guesses from slowing down the next login.
  expect((await page.context().cookies()).map(({ name }) => name)).toEqual(["device_tokens"]);
});
