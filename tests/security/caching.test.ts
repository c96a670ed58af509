// What an account server says is for one reader: no cache keeps it, no address holds it.
import { expect, test } from "vitest";

import { useBrowser } from "../support/browser.ts";
import { fill, follow, heading, press, sees } from "../support/page-actions.ts";
import { startServer, startWithMailbox } from "../support/server.ts";

const openPage = useBrowser();

test("no cache keeps an answer, be it a page, data or a refusal", async () => {
  const server = await startWithMailbox();
  const json = { "content-type": "application/json" };
  const requests: [string, RequestInit][] = [
    ["/", {}],
    ["/mailbox", {}],
    ["/mailbox/messages", {}],
    ["/livez", {}],
    ["/readyz", {}],
    ["/nowhere", {}],
    ["/graphql?query=%7Bme%7Bid%7D%7D", {}],
    ["/graphql", { headers: { accept: "text/html" } }],
    ["/graphql", { method: "POST", headers: json, body: '{"query":"{ me { id } }"}' }],
    ["/graphql", { method: "POST", headers: json, body: "no JSON" }],
    ["/graphql", { method: "POST", headers: json, body: "x".repeat(20_000) }],
    ["/graphql", { method: "POST", headers: { "content-type": "text/plain" }, body: "x" }],
    ["/graphql", { method: "DELETE" }],
  ];
  for (const [path, init] of requests) {
    const answer = await fetch(server.url + path, init);
    await answer.arrayBuffer();
    const what = `${init.method ?? "GET"} ${path}: ${answer.status}`;
    expect(answer.headers.get("cache-control"), what).toBe("no-store");
    expect(answer.headers.get("etag"), what).toBeNull();
  }
});

test("the web client sends nothing about an account in the address of a request", async () => {
  const server = await startServer();
  const { email } = await server.admin("ada");
  await server.activePerson("grace");
  const page = await openPage();
  const asked = new Set<string>();
  page.on("request", (request) =>
    asked.add(`${request.method()} ${new URL(request.url()).pathname}${new URL(request.url()).search}`),
  );

  await page.goto(`${server.url}/#/reset?token=${await server.askForReset(email)}`);
  await fill(page, { Password: "a new battery staple", "Repeat password": "a new battery staple" });
  await press(page, "Set password");
  await heading(page, "Your account");
  await follow(page, "Users");
  await page.getByLabel("Search").fill("grace@");
  await sees(page, "grace@example.com");
  await follow(page, "grace");
  await heading(page, "grace");

  const unexpected = [...asked].filter(
    (each) => !/^POST \/graphql$|^GET \/(?:assets\/[\w.-]+|favicon\.svg)?$/.test(each),
  );
  expect(unexpected).toEqual([]);
  expect(asked).toContain("POST /graphql");
});
