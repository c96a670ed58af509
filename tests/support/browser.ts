// A real Chromium: CHROMIUM_PATH, or `chromium` on the PATH, or the one inside the npm package @sparticuz/chromium.
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { AxeBuilder } from "@axe-core/playwright";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished } from "vitest";

const ARGS = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

async function executablePath(): Promise<string> {
  const given = process.env["CHROMIUM_PATH"];
  if (given) return given;
  const installed = await promisify(execFile)("sh", ["-c", "command -v chromium"]).catch(() => null);
  return installed?.stdout.trim() ?? packagedChromium();
}

/** With the libraries that a bare system lacks; the package brings them only where it believes to be in a cloud function. */
async function packagedChromium(): Promise<string> {
  process.env["AWS_LAMBDA_JS_RUNTIME"] = "nodejs24.x";
  const { default: chromium } = await import("@sparticuz/chromium");
  return chromium.executablePath();
}

export interface PageOptions {
  /** What the console may say besides nothing. */
  readonly allows?: RegExp;
}

/** One browser for the tests of a file. Call it at the top of the file; the function opens a page for a test. */
export function useBrowser(): (options?: PageOptions) => Promise<Page> {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: await executablePath(), args: ARGS });
  });
  afterAll(() => browser.close());
  return async ({ allows } = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    onTestFinished(() => context.close());
    const faults: string[] = [];
    context.on("console", (message) => {
      if (["error", "warning"].includes(message.type()) && !allows?.test(message.text()))
        faults.push(message.text());
    });
    context.on("weberror", (error) => faults.push(error.error().message));
    context.on("request", (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (/^https?:$/.test(protocol) && !["127.0.0.1", "localhost"].includes(hostname))
        faults.push(`left this machine: ${request.url()}`);
    });
    onTestFinished(() => expect(faults, "the console is clean and nothing comes from elsewhere").toEqual([]));
    return context.newPage();
  };
}

/** Writes what a page looks like to test-results/, for people to see. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await mkdir("test-results", { recursive: true });
  await page.screenshot({ path: join("test-results", `${name}.png`), fullPage: true });
}

/** That people who use a keyboard, a screen reader or strong contrasts can use the page, as far as axe-core can tell. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(grave.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
}
