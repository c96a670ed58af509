// The contract with clients: what schema.graphql has can be added to, and breaks only with a reason that is written down.
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";

import { contractChanges, contractOf, type NamedChange } from "../../scripts/contract.ts";
import { temporaryFolder } from "../support/process.ts";

const CONTRACT = "tests/graphql/contract.graphql";
const NAMED = "tests/graphql/breaking-changes.json";

const schema = readFileSync("schema.graphql", "utf8");
const contract = readFileSync(CONTRACT, "utf8");

test("schema.graphql breaks nothing of the contract, except what breaking-changes.json names", async () => {
  const named = JSON.parse(readFileSync(NAMED, "utf8")) as NamedChange[];
  const { breaking } = await contractChanges(contract, schema, named);
  expect(breaking, `name each in ${NAMED} and say why, or take it back`).toEqual([]);
});

test("the contract has everything that schema.graphql has", () => {
  expect(contract, "run `npm run schema`").toBe(contractOf(schema));
});

describe("the guard of the contract", () => {
  const BEFORE = `
    directive @errors(codes: [Code!]!) on FIELD_DEFINITION
    type Query { users(first: Int! = 20, search: String): [User!] @errors(codes: [FORBIDDEN]) }
    type User { id: ID! email: String! }
    enum Code { FORBIDDEN NOT_FOUND }`;
  const changes = (from: string, to: string, named: readonly NamedChange[] = []) =>
    contractChanges(contractOf(BEFORE), BEFORE.replace(from, to), named);

  test.each([
    ["a removed field", "email: String!", "", "Field 'email' was removed from object type 'User'"],
    [
      "a field that can now be null",
      "email: String!",
      "email: String",
      "Field 'User.email' changed type from 'String!' to 'String'",
    ],
    [
      "an argument that is now required",
      "search: String",
      "search: String!",
      "Type for argument 'search' on field 'Query.users' changed from 'String' to 'String!'",
    ],
    [
      "an argument without its default",
      "Int! = 20",
      "Int!",
      "Default value for argument 'first' on field 'Query.users' changed from '20' to 'undefined'",
    ],
    ["a removed enum value", "NOT_FOUND", "", "Enum value 'NOT_FOUND' was removed from enum 'Code'"],
  ])("refuses %s, unless it is named with a reason", async (_change, from, to, message) => {
    expect(await changes(from, to)).toEqual({ breaking: [message], others: [] });
    expect((await changes(from, to, [{ change: message, why: "" }])).breaking).toEqual([message]);
    const why = "No client has ever used it.";
    expect(await changes(from, to, [{ change: message, why }])).toEqual({ breaking: [], others: [message] });
  });

  test("takes the path of a change for its name, too", async () => {
    const named = [{ change: "User.email", why: "No client has ever used it." }];
    expect((await changes("email: String!", "", named)).breaking).toEqual([]);
  });

  test.each([
    ["a new field", "id: ID!", "id: ID! name: String"],
    ["a new argument that can be left out", "search: String", "search: String after: String"],
    ["a new error code", "NOT_FOUND", "NOT_FOUND RATE_LIMITED"],
    ["another code on the list of a field", "[FORBIDDEN]", "[FORBIDDEN, NOT_FOUND]"],
    ["one code fewer on the list of a field", "[FORBIDDEN]", "[]"],
  ])("accepts %s", async (_change, from, to) => {
    const { breaking, others } = await changes(from, to);
    expect(breaking).toEqual([]);
    expect(others).not.toEqual([]);
  });

  test.each([
    ["another description", "type User", '"Somebody." type User'],
    ["another order", "id: ID! email: String!", "email: String! id: ID!"],
  ])("sees no change in %s", async (_what, from, to) => {
    expect(await changes(from, to)).toEqual({ breaking: [], others: [] });
    expect(contractOf(BEFORE.replace(from, to))).toBe(contractOf(BEFORE));
  });
});

test("npm run schema writes nothing that breaks the contract until the change is named", async () => {
  const folder = await temporaryFolder();
  const at = (path: string) => join(folder, path);
  const promised = contract.replace(
    "type User implements Node {",
    "type User implements Node {\n  nickname: String",
  );
  await mkdir(at("tests/graphql"), { recursive: true });
  await writeFile(at(CONTRACT), promised);
  await writeFile(at(NAMED), "[]");
  const run = () =>
    promisify(execFile)(process.execPath, [resolve("scripts/print-schema.mjs")], { cwd: folder });

  const message = "Field 'nickname' was removed from object type 'User'";
  await expect(run()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(message) as unknown });
  expect(existsSync(at("schema.graphql"))).toBe(false);
  expect(readFileSync(at(CONTRACT), "utf8")).toBe(promised);

  const named: NamedChange[] = [{ change: message, why: "Nobody has a nickname." }];
  await writeFile(at(NAMED), JSON.stringify(named));
  await run();
  expect(readFileSync(at("schema.graphql"), "utf8")).toBe(schema);
  expect(readFileSync(at(CONTRACT), "utf8")).toBe(contract);
});
