// `npm run audit`: fails if a package that runs in production has a known vulnerability. Not every registry answers; that is
// told, and is no failure.
import { spawnSync } from "node:child_process";

const { stdout } = spawnSync("npm audit --omit=dev --json", { encoding: "utf8", shell: true });
const { vulnerabilities } = JSON.parse(stdout || "{}");
if (vulnerabilities === undefined) {
  console.log("The package registry answers no audit, so known vulnerabilities were not looked for.");
} else {
  for (const { name, severity, range } of Object.values(vulnerabilities))
    console.error(`${name} ${range}: ${severity}. See \`npm audit\`.`);
  if (Object.keys(vulnerabilities).length > 0) process.exitCode = 1;
  else console.log("No package that runs in production has a known vulnerability.");
}
