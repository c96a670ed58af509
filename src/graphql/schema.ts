// Builds the executable schema from the resolvers. `npm run schema` writes it to schema.graphql.
import "reflect-metadata";

import { DirectiveLocation, GraphQLDirective, GraphQLSchema, specifiedDirectives } from "graphql";
import { buildSchema } from "type-graphql";

import type { Accounts } from "../accounts/accounts.ts";
import { AccountResolver } from "./account.resolver.ts";
import { AdministrationResolver } from "./administration.resolver.ts";
import { isAuthorized } from "./authorization.ts";
import { DateTimeISO } from "./date-time.ts";
import { AccountErrorExtensions } from "./error-extensions.ts";
import { describeErrors, ErrorsDirective } from "./errors-directive.ts";
import { NodeResolver } from "./node.resolver.ts";
import { OwnAccountResolver } from "./own-account.resolver.ts";
import { SessionResolver } from "./session.resolver.ts";

const RESOLVERS = [
  AccountResolver,
  SessionResolver,
  OwnAccountResolver,
  AdministrationResolver,
  NodeResolver,
] as const;

/** Apollo Federation's (https://specs.apollo.dev/federation/v2.9), for whoever composes this schema with others that have connections. */
const ShareableDirective = new GraphQLDirective({
  name: "shareable",
  description: "Apollo Federation: other subgraphs may define this type, too.",
  locations: [DirectiveLocation.FIELD_DEFINITION, DirectiveLocation.OBJECT],
  isRepeatable: true,
});

const ROOTS: Readonly<Record<string, string>> = {
  Query: "What can be read. Nothing changes by it.",
  Mutation: "What can be changed. A mutation that is refused is null, and nothing of it is done.",
};

export async function createSchema(accounts: Accounts): Promise<GraphQLSchema> {
  const instances = new Map<unknown, object>(RESOLVERS.map((resolver) => [resolver, new resolver(accounts)]));
  const schema = await buildSchema({
    resolvers: RESOLVERS,
    container: { get: (resolver) => instances.get(resolver) },
    authChecker: isAuthorized,
    directives: [...specifiedDirectives, ErrorsDirective, ShareableDirective],
    // accounts/ checks arguments, whether they come over GraphQL or the command line.
    validate: false,
    scalarsMap: [{ type: Date, scalar: DateTimeISO }],
  });
  describeErrors(schema);
  for (const type of [schema.getQueryType(), schema.getMutationType()])
    if (type) type.description = ROOTS[type.name];
  const { types, ...config } = schema.toConfig();
  return new GraphQLSchema({ ...config, types: [...types, AccountErrorExtensions] });
}
