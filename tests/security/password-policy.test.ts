// What is not asked of passwords: to be typed, changed now and then, or hinted at.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import { useBrowser } from "../support/browser.ts";
import { heading, logIn } from "../support/page-actions.ts";
import { schema } from "../support/graphql.ts";
import { DAY, startServer, type TestServer } from "../support/server.ts";

const openPage = useBrowser();

const PAGES: Record<string, string[]> = {
  register: ["new-password"],
  login: ["current-password"],
  "reset?token=a.b.c": ["new-password", "new-password"],
  "account/password": ["current-password", "new-password"],
  "account/email": ["current-password"],
  "account/export": ["current-password"],
  "account/delete": ["current-password"],
};

async function open(server: TestServer, path: string): Promise<Page> {
  const page = await openPage();
  if (path.startsWith("account/")) {
    await logIn(page, server, "ada");
    await heading(page, "Your account");
  }
  await page.goto(`${server.url}/#/${path}`);
  await page.locator("input[autocomplete$=password]").first().waitFor();
  return page;
}

test.each(Object.entries(PAGES))(
  "the page %s masks each password, takes one that is pasted, and tells managers which one it is",
  async (path, expected) => {
    const server = await startServer();
    await server.activePerson("ada");
    const page = await open(server, path);
    const fields = await page.locator("input[autocomplete$=password]").all();

    expect(await Promise.all(fields.map((field) => field.getAttribute("autocomplete")))).toEqual(expected);
    for (const field of fields) {
      expect(await field.getAttribute("type")).toBe("password");
      expect(await field.getAttribute("maxlength")).toBeNull();
      await field.focus();
      await page.evaluate("document.execCommand('insertText', false, 'pasted battery staple')");
      expect(await field.inputValue()).toBe("pasted battery staple");
      const isPrevented = await field.evaluate<boolean, HTMLElement>(
        (input) => !input.dispatchEvent(new Event("paste", { bubbles: true, cancelable: true })),
      );
      expect(isPrevented, "no page refuses what is pasted").toBe(false);
    }
  },
);

test("a password is good for as long as its owner keeps it", async () => {
  const server = await startServer();
  const ada = await server.activePerson("ada");
  server.advance(10 * 365 * DAY);
  server.succeed(await server.login(ada));
});

test("nothing is asked or stored by which a password could be guessed: no hint, no secret question", () => {
  const fields = Object.values(schema.getMutationType()!.getFields());
  const names = fields.flatMap(({ name, args }) => [name, ...args.map((arg) => arg.name)]);
  expect(names.filter((name) => /hint|question|answer/i.test(name))).toEqual([]);
});
