// The schema that the server emits, held against schema.graphql. contract.test.ts holds that against what clients rely on.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { printSchemaWithDirectives } from "@graphql-tools/utils";
import { composeServices } from "@theguild/federation-composition";
import {
  isEnumType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  parse,
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

test("schema.graphql composes with another subgraph that has connections", () => {
  const link = (imports: string) =>
    `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [${imports}])`;
  const posts = `
    type Query { posts(first: Int, after: String): PostConnection! }
    type PostConnection { edges: [PostEdge!]! pageInfo: PageInfo! }
    type PostEdge { cursor: String! node: Post! }
    type Post @key(fields: "id") { id: ID! title: String! }
    type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }`;
  const accounts = readFileSync("schema.graphql", "utf8");
  const subgraphs = [
    { name: "accounts", typeDefs: parse(`${link('"@shareable"')} ${accounts}`) },
    { name: "posts", typeDefs: parse(`${link('"@shareable", "@key"')} ${posts}`) },
  ];
  const { errors, supergraphSdl } = composeServices(subgraphs);
  expect(errors?.map(({ message }) => message)).toBeUndefined();
  expect(supergraphSdl).toMatch(/type PageInfo/);
});
