// Builds the server as part of the installation. `npm ci --omit=dev` installs no compiler and needs an existing build, for
// example from an earlier stage of a container image.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

if (existsSync("node_modules/typescript")) {
  const build = spawnSync("npm run build --silent", { stdio: "inherit", shell: true });
  process.exit(build.status ?? 1);
}
if (!existsSync("dist/bin/serve.js")) {
  console.error(
    "There is no build in dist/, and no compiler to make one. Run `npm ci` without --omit=dev first.",
  );
  process.exit(1);
}
