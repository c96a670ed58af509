// `npm run schema`: writes the schema with its directives to schema.graphql, and adds what is new to the contract.
import { readFileSync, writeFileSync } from "node:fs";

import { printSchemaWithDirectives } from "@graphql-tools/utils";

import { createSchema } from "../dist/graphql/schema.js";
import { contractChanges, contractOf } from "./contract.ts";

const CONTRACT = "tests/graphql/contract.graphql";
const NAMED = "tests/graphql/breaking-changes.json";

const sdl = printSchemaWithDirectives(await createSchema()) + "\n";
const named = JSON.parse(readFileSync(NAMED, "utf8"));
const { breaking, others } = await contractChanges(readFileSync(CONTRACT, "utf8"), sdl, named);
if (breaking.length > 0) {
  console.error(
    [
      "The schema breaks its contract with clients, so nothing is written:",
      ...breaking.map((change) => `  ${change}`),
      `Take the change back, or name it in ${NAMED}: { "change": "<the sentence above>", "why": "..." }`,
    ].join("\n"),
  );
  process.exit(1);
}
writeFileSync("schema.graphql", sdl);
writeFileSync(CONTRACT, contractOf(sdl));
for (const change of others) console.log(change);
