// Imported first, to stop with a clear message if the installed Node.js runs this instead of the one among the npm packages.
const NEEDED = 24;
const [major = 0] = process.versions.node.split(".").map(Number);

if (major < NEEDED) {
  console.error(
    `This is Node.js ${process.versions.node}, but the server needs version ${NEEDED} or newer. ` +
      "Run `npm ci`, and use node_modules/.bin/node, which the npm scripts use.",
  );
  process.exit(1);
}
