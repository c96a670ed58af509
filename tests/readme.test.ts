// The README is true: its lines are run as they stand there.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import { listedCodes } from "./support/graphql.ts";
import { startWithMailbox, type TestServer } from "./support/server.ts";

const readme = readFileSync("README.md", "utf8");
const hasCurl = await promisify(execFile)("curl", ["--version"]).then(
  () => true,
  () => false,
);

const section = (heading: string) => readme.split(`\n## ${heading}\n`)[1]!.split("\n## ")[0]!;
const blocks = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map((match) => match[1]!);

/** The token of the newest mail, once there are `count` mails. */
async function newestToken(server: TestServer, count: number): Promise<string> {
  const [newest] = await server.mailbox(count);
  return /token=([\w.-]+)/.exec(newest!.text)![1]!;
}

test("the flow in GraphiQL works as the README shows it", async () => {
  const server = await startWithMailbox();
  const [register, finalize, login, me, requestReset, finalizeReset, resend] = blocks(
    section("The flow in GraphiQL"),
    "graphql",
  ) as [string, string, string, string, string, string, string];
  const run = async (operation: string, headers = {}) => {
    const { status, data, errors } = await server.with(headers).execute(operation);
    expect({ status, errors }).toEqual({ status: 200, errors: [] });
    return data as Record<string, Record<string, string>>;
  };
  const paste = (operation: string, token: string) => operation.replace("PASTE THE TOKEN OF THE MAIL", token);

  expect((await run(register))["register"]!["message"]).toContain("ada");
  expect(
    (await run(paste(finalize, await newestToken(server, 1))))["finalizeRegistration"]!["user"],
  ).toMatchObject({ isActive: true });
  const accessToken = (await run(login))["login"]!["accessToken"]!;
  expect((await run(me, { Authorization: `Bearer ${accessToken}` }))["me"]).toMatchObject({
    username: "ada",
  });
  await run(requestReset);
  await run(paste(finalizeReset, await newestToken(server, 2)));
  server.refuse(await server.as(accessToken).me(), "UNAUTHENTICATED");
  const { errors } = await server.execute(resend);
  expect(errors.map(({ extensions }) => extensions.code)).toEqual(["ALREADY_ACTIVATED"]);
});

test.skipIf(!hasCurl)("the flow by curl works as the README shows it", async () => {
  const server = await startWithMailbox();
  const [script] = blocks(section("The flow by curl"), "sh");
  const { stdout } = await promisify(execFile)("sh", [
    "-euc",
    script!.replace("http://127.0.0.1:4000", server.url),
  ]);
  const answers = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(answers).toEqual([
    { data: { register: { message: expect.stringContaining("grace") as string } } },
    { data: { finalizeRegistration: { user: { username: "grace", isActive: true } } } },
    { data: { me: { username: "grace", email: "grace@example.com", roles: ["USER"] } } },
    { data: { requestReset: { message: expect.any(String) as string } } },
    { data: { finalizeReset: { user: { username: "grace" } } } },
    {
      data: { login: null },
      errors: [expect.objectContaining({ extensions: { code: "INVALID_CREDENTIALS" } })],
    },
  ]);
});

test("the README's tables name every error code and every variable", () => {
  const codes = new Set([...listedCodes.values()].flat());
  for (const code of codes) expect(section("Errors")).toContain(`\`${code}\``);
  const variables = readFileSync(".env.example", "utf8").matchAll(/^([A-Z_]+)=/gm);
  for (const [, variable] of variables) expect(section("Configuration")).toContain(`\`${variable}\``);
});

test("what the documents have run in production is what npm start runs", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: { start: string } };
  expect(section("To production")).toContain(`\`node_modules/.bin/${scripts.start}\``);
  expect(readFileSync("docs/operations.md", "utf8")).toContain(` node_modules/.bin/${scripts.start}\``);
});

test("the statements of the handbook for operators can be run", async () => {
  const server = await startWithMailbox();
  const handbook = readFileSync("docs/operations.md", "utf8");
  const statements = [...handbook.matchAll(/(?:`|^ {4})(select [^`;\n]+)(?:`|;?$)/gm)].map(([, sql]) => sql!);
  expect(statements.length).toBeGreaterThan(3);
  for (const sql of statements) await server.query(sql);
});
