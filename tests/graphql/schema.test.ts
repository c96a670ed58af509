// The schema that the server emits, held against schema.graphql. contract.test.ts holds that against what clients rely on.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { printSchemaWithDirectives } from "@graphql-tools/utils";
import {
  isEnumType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  type GraphQLSchema,
} from "graphql";
import { expect, test } from "vitest";

import type { Accounts } from "../../src/accounts/accounts.ts";
import { createSchema } from "../../src/graphql/schema.ts";
import { temporaryFolder } from "../support/process.ts";

const emitted = () => createSchema({} as unknown as Accounts);

test("schema.graphql is the emitted schema (npm run schema writes it)", async () => {
  expect(readFileSync("schema.graphql", "utf8")).toBe(printSchemaWithDirectives(await emitted()) + "\n");
});

test("every field of Query and Mutation says which codes it can raise", async () => {
  const schema = await emitted();
  const fields = [schema.getQueryType()!, schema.getMutationType()!].flatMap((type) =>
    Object.values(type.getFields()),
  );
  expect(fields.length).toBeGreaterThan(0);
  for (const field of fields) {
    const directives = field.astNode?.directives?.map(({ name }) => name.value);
    expect(directives, field.name).toContain("errors");
  }
});

test("everything public has a description", async () => {
  expect(undescribed(await emitted())).toEqual([]);
});

/** Coordinates of what has no description. */
function undescribed(schema: GraphQLSchema): string[] {
  const described: [string, string | null | undefined][] = [];
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    described.push([type.name, type.description]);
    if (isEnumType(type)) {
      for (const value of type.getValues()) described.push([`${type.name}.${value.name}`, value.description]);
    }
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      described.push([`${type.name}.${field.name}`, field.description]);
      for (const argument of field.args)
        described.push([`${type.name}.${field.name}(${argument.name})`, argument.description]);
    }
  }
  for (const directive of schema.getDirectives().filter((each) => !isSpecifiedDirective(each))) {
    described.push([`@${directive.name}`, directive.description]);
    for (const argument of directive.args)
      described.push([`@${directive.name}(${argument.name})`, argument.description]);
  }
  expect(described.length).toBeGreaterThan(0);
  return described.filter(([, description]) => !description).map(([coordinate]) => coordinate);
}

test("the web client's types are those of schema.graphql (npm run schema writes both)", async () => {
  const written = join(await temporaryFolder(), "graphql-env.d.ts");
  const args = ["generate-output", "--tsconfig", "web/tsconfig.json", "--output", written];
  await promisify(execFile)("node_modules/.bin/gql.tada", args);
  expect(readFileSync("web/src/graphql-env.d.ts", "utf8")).toBe(readFileSync(written, "utf8"));
});
