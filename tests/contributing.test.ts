// The recipes of docs/contributing/ can be followed: their changes fit the code, and what comes out of them compiles.
import { execFile } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { cp, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import { temporaryFolder } from "./support/process.ts";
import { edit, stepsOf } from "./support/recipe.ts";

const FOLDER = "docs/contributing";
const recipes = readdirSync(FOLDER).filter((name) => name.startsWith("new-"));

test("the recipes, followed one after the other, give a program that compiles", async () => {
  expect(recipes).not.toEqual([]);
  const folder = await temporaryFolder();
  const run = async (command: string, ...args: string[]) => {
    try {
      await promisify(execFile)(resolve("node_modules/.bin", command), args, { cwd: folder });
    } catch (error) {
      throw new Error((error as { stdout: string }).stdout, { cause: error });
    }
  };
  for (const part of readdirSync(".").filter((name) => !/^\.|^(node_modules|dist|coverage)$/.test(name)))
    await cp(part, join(folder, part), { recursive: true, filter: (path) => !path.endsWith("node_modules") });
  await symlink(resolve("node_modules"), join(folder, "node_modules"));

  for (const recipe of recipes) {
    for (const step of stepsOf(readFileSync(join(FOLDER, recipe), "utf8")))
      if ("file" in step) edit(folder, step);
  }

  await run("tsc", "-p", "tsconfig.build.json");
  await run("node", "scripts/print-schema.mjs");
  await run("gql.tada", "generate-output", "-c", "web/tsconfig.json");
  await run("tsc");
  await run("tsc", "-p", "web");
}, 240_000);
