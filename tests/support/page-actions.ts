// What a person does at the pages, in words.
import type { Page } from "playwright-core";

import { PASSWORD, type TestServer } from "./server.ts";

/** Fills the fields of these labels. */
export async function fill(page: Page, fields: Record<string, string>): Promise<void> {
  for (const [label, value] of Object.entries(fields)) {
    await page.getByLabel(label, { exact: true }).fill(value);
  }
}

export const press = (page: Page, button: string) =>
  page.getByRole("button", { name: button, exact: true }).click();

export const follow = (page: Page, link: string) =>
  page.getByRole("link", { name: link, exact: true }).click();

/** Waits for the page of this heading. */
export const heading = (page: Page, name: string) =>
  page.getByRole("heading", { level: 1, name, exact: true }).waitFor();

/** Waits for a sentence that is shown in any place. */
export const sees = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();

export async function logIn(
  page: Page,
  server: TestServer,
  username: string,
  password = PASSWORD,
): Promise<void> {
  await page.goto(`${server.url}/#/login`);
  await fill(page, { "Username or email": username, Password: password });
  await press(page, "Log in");
}
