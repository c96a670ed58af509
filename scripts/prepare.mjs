// Builds as part of the install. `npm ci --omit=dev` brings no compiler: there, a build that came along
// (an image's earlier stage, a copied folder) is used as it is.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

if (existsSync("node_modules/typescript")) {
  const build = spawnSync("npm run build --silent", { stdio: "inherit", shell: true });
  process.exit(build.status ?? 1);
}
if (!existsSync("dist/bin/serve.js")) {
  console.error("No build in dist/ and no compiler to make one: run `npm ci` without --omit=dev first.");
  process.exit(1);
}
