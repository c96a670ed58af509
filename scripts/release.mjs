// `npm run release`: builds, and writes what an operator installs to release/: an archive, the list of everything that comes from elsewhere
// (SBOM, CycloneDX), and their checksums. The same commit gives the same bytes. docs/contributing/release.md is the recipe.
//
// The archive has no node_modules: they differ by system, and package-lock.json holds each package to its checksum.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const CONTENTS = [
  ".env.example",
  ".npmrc",
  "CHANGELOG.md",
  "LICENSE",
  "README.md",
  "SECURITY.md",
  "client/README.md",
  "client/dist",
  "client/package.json",
  "dist",
  "docs",
  "ops",
  "package-lock.json",
  "package.json",
  "schema.graphql",
  "scripts/prepare.mjs",
  "templates",
];

const run = (command, ...args) => execFileSync(command, args, { maxBuffer: 2 ** 28 });

if (String(run("git", "status", "--porcelain")) !== "") {
  console.error("There are changes that are not committed. A release is made of a commit.");
  process.exit(1);
}
const { name, version } = JSON.parse(readFileSync("package.json", "utf8"));
const date = new Date(1000 * Number(run("git", "log", "-1", "--format=%ct")));
for (const build of ["dist", "client/dist"]) rmSync(build, { recursive: true, force: true });
process.env.NODE_ENV = "production"; // else, the pages would be built with what is for development, which tells paths
run("npm", "run", "build");

const files = {
  [`${name}-${version}.tar.gz`]: gzipSync(archive(), { level: 9 }),
  [`${name}-${version}.cdx.json`]: billOfMaterials(),
};
rmSync("release", { recursive: true, force: true });
mkdirSync("release");
const sums = Object.entries(files).map(([file, content]) => {
  writeFileSync(`release/${file}`, content);
  return `${createHash("sha256").update(content).digest("hex")}  ${file}\n`;
});
writeFileSync("release/SHA256SUMS", sums.join(""));
process.stdout.write(sums.join(""));

/** Of GNU tar. Nothing of the machine that makes it: no owner, no mode but whether a file is a program, no time but the commit's. */
function archive() {
  return run(
    "tar",
    "--create",
    "--format=ustar",
    "--sort=name",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--mode=u=rwX,go=rX",
    `--mtime=${date.toISOString()}`,
    `--transform=s,^,${name}-${version}/,`,
    "--exclude=dist/.tsbuildinfo",
    ...CONTENTS,
  );
}

function billOfMaterials() {
  const bill = JSON.parse(run("npm", "sbom", "--package-lock-only", "--sbom-format=cyclonedx"));
  delete bill.serialNumber; // drawn at random
  bill.metadata.timestamp = date.toISOString();
  bill.metadata.component.name = name; // npm takes that of the folder
  return `${JSON.stringify(bill, null, 2)}\n`;
}
