// `npm run schema`: writes the schema with its directives to schema.graphql.
import { writeFileSync } from "node:fs";

import { printSchemaWithDirectives } from "@graphql-tools/utils";

import { createSchema } from "../dist/graphql/schema.js";

writeFileSync("schema.graphql", printSchemaWithDirectives(await createSchema()) + "\n");
