// Imported first: says so, instead of failing somewhere inside, where another Node than the package `node` runs this.
const NEEDED = 24;
const [major = 0] = process.versions.node.split(".").map(Number);

if (major < NEEDED) {
  console.error(
    `This is Node ${process.versions.node}, and the server needs ${NEEDED} or newer: ` +
      "run node_modules/.bin/node, which came with `npm ci` and which the npm scripts use.",
  );
  process.exit(1);
}
