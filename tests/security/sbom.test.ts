// The list of everything that comes from elsewhere, by name, version and checksum.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

import { expect, test } from "vitest";

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly unknown[];
}

test("npm sbom lists every package with its checksum and licence, from the lockfile alone", async () => {
  // Without --omit=dev, by which npm also leaves out what both development and production need.
  const { stdout } = await promisify(execFile)(
    "npm",
    ["sbom", "--package-lock-only", "--sbom-format=cyclonedx"],
    { maxBuffer: 2 ** 26 },
  );
  const { components } = JSON.parse(stdout) as { components: Component[] };
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, { version: string }>;
  };
  const locked = Object.entries(packages)
    .filter(([path]) => path !== "")
    .map(([path, { version }]) => `${path.slice(path.lastIndexOf("node_modules/") + 13)}@${version}`);
  const listed = components.map(({ purl }) => decodeURIComponent(purl.replace("pkg:npm/", "")));
  expect(new Set(listed)).toEqual(new Set(locked));
  for (const { name, hashes, licenses } of components) {
    expect(
      hashes?.map(({ alg }) => alg),
      name,
    ).toContain("SHA-512");
    expect(licenses, name).not.toEqual([]);
  }
});
