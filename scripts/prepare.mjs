// Builds as part of the install. `npm ci --omit=dev` brings no compiler: there, a build that came along
// (an image's earlier stage, a copied folder) is used as it is.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const compiler = "node_modules/typescript/bin/tsc";
if (existsSync(compiler)) {
  const build = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], { stdio: "inherit" });
  process.exit(build.status ?? 1);
}
if (!existsSync("dist/main.js")) {
  console.error("No build in dist/ and no compiler to make one: run `npm ci` without --omit=dev first.");
  process.exit(1);
}
