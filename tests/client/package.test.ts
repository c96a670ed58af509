// The client package as a front end installs it.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

import { expect, test } from "vitest";

import { temporaryFolder } from "../support/process.ts";

const run = promisify(execFile);
const manifestOf = (folder: string) =>
  JSON.parse(readFileSync(`${folder}/package.json`, "utf8")) as {
    version: string;
    dependencies?: object;
  };

const COMPILER_OPTIONS = {
  target: "es2022",
  lib: ["es2022", "dom", "dom.iterable"],
  types: [],
  module: "esnext",
  moduleResolution: "bundler",
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true, // not all types of Apollo Client fit one another
  noEmit: true,
  jsx: "react-jsx",
};

/** A front end that has installed the package, and what else the examples use. */
async function frontEnd(): Promise<string> {
  const folder = await temporaryFolder();
  await run("npm", ["pack", "--silent", "--pack-destination", folder, resolve("client")]);
  const [archive = ""] = await readdir(folder);
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, "account-server-client"), { recursive: true });
  const into = join(modules, "account-server-client");
  await run("tar", ["-xzf", join(folder, archive), "--strip-components=1", "-C", into]);
  for (const name of ["@apollo", "@urql", "@types", "graphql", "react", "rxjs", "wonka"]) {
    await symlink(resolve("node_modules", name), join(modules, name));
  }
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  return folder;
}

test("it is small, needs no other package, and has the server's version", () => {
  expect(gzipSync(readFileSync("client/dist/session.js")).length).toBeLessThan(5_000);
  expect(readFileSync("client/dist/session.js", "utf8")).not.toMatch(/^import /m);
  const { version, dependencies } = manifestOf("client");
  expect(dependencies).toBeUndefined();
  expect(version).toBe(manifestOf(".").version);
});

test("its entries load, and the examples of its README compile", async () => {
  const folder = await frontEnd();
  const load = ["", "/urql", "/apollo"]
    .map((entry) => `await import("account-server-client${entry}")`)
    .join(", ");
  await writeFile(join(folder, "load.js"), `console.log([${load}].map(Object.keys).join());`);
  const { stdout } = await run(process.execPath, ["load.js"], { cwd: folder });
  expect(stdout.trim()).toBe(
    "SESSION_DOCUMENTS,SessionUserChangedError,createSession,sessionExchange,sessionLink",
  );

  const examples = [...readFileSync("client/README.md", "utf8").matchAll(/```(tsx?)\n([\s\S]*?)```/g)];
  expect(examples.length).toBeGreaterThan(4);
  await mkdir(join(folder, "examples"));
  for (const [index, [, extension, source = ""]] of examples.entries()) {
    await writeFile(join(folder, "examples", `${index}.${extension}`), source);
  }
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: COMPILER_OPTIONS, include: ["examples"] }),
  );
  const faults = await run("tsc", ["-p", folder]).then(
    () => "",
    (error: unknown) => (error as { stdout: string }).stdout,
  );
  expect(faults).toBe("");
});
