// `npm run schema`: writes the emitted schema, directives included, to schema.graphql.
import { writeFileSync } from "node:fs";

import { printSchemaWithDirectives } from "@graphql-tools/utils";

import { createSchema } from "../dist/graphql/schema.js";

writeFileSync("schema.graphql", printSchemaWithDirectives(await createSchema()) + "\n");
