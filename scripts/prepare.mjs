// Checks the Node.js that was installed, and builds the server as part of the installation. `npm ci --omit=dev` installs no
// compiler and needs an existing build, for example from an earlier stage of a container image.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

// An optional package that cannot be had, or whose checksum differs, is left out without a word.
const NEEDED = 24;
if (Number(process.versions.node.split(".")[0]) < NEEDED) {
  console.error(
    `npm has not installed Node.js ${NEEDED} for ${process.platform}-${process.arch}, and the Node.js of this system is ` +
      `${process.versions.node}. Run \`npm ci\` without --omit=optional. If there is no package node-* for this system in ` +
      `package.json, install Node.js ${NEEDED} or newer on the system.`,
  );
  process.exit(1);
}
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
