// Checks the Node.js that was installed, and builds the server as part of the installation. `npm ci --omit=dev` installs no
// compiler and needs an existing build, for example from an earlier stage of a container image.
import { spawnSync } from "node:child_process";
import { existsSync, symlinkSync, writeFileSync } from "node:fs";

const NEEDED = 24;

linkNode();
const { stdout } = spawnSync("node -p process.versions.node", { encoding: "utf8", shell: true });
if (!(parseInt(stdout, 10) >= NEEDED)) {
  // npm leaves out an optional package that cannot be had, or whose checksum differs, without a word.
  fail(
    `Node.js ${NEEDED} was not installed for ${process.platform}-${process.arch}. Run \`npm ci\` without --omit=optional. If ` +
      `package.json has no package node-* for this system, install Node.js ${NEEDED} or newer on the system.`,
  );
}
if (existsSync("node_modules/typescript")) {
  const build = spawnSync("npm run build --silent", { stdio: "inherit", shell: true });
  process.exit(build.status ?? 1);
}
if (!existsSync("dist/bin/serve.js")) {
  fail("There is no build in dist/, and no compiler to make one. Run `npm ci` without --omit=dev first.");
}

/** Makes the command `node` of npm scripts, as npm does; but npm 10 removes it with those of packages for other systems. */
function linkNode() {
  const system = process.platform === "win32" ? "win" : process.platform;
  const name = `node-${system}-${process.arch}`;
  if (!existsSync(`node_modules/${name}`) || existsSync("node_modules/.bin/node")) return;
  if (system === "win")
    writeFileSync("node_modules/.bin/node.cmd", `@"%~dp0\\..\\${name}\\bin\\node.exe" %*\r\n`);
  else symlinkSync(`../${name}/bin/node`, "node_modules/.bin/node");
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
