// The executable schema, from the resolvers. `npm run schema` writes it to schema.graphql.
import "reflect-metadata";

import { specifiedDirectives, type GraphQLSchema } from "graphql";
import { buildSchema } from "type-graphql";

import type { Accounts } from "../accounts/accounts.ts";
import { AccountResolver } from "./account.resolver.ts";
import { ErrorsDirective } from "./error-codes.ts";

export function createSchema(accounts: Accounts): Promise<GraphQLSchema> {
  const resolver = new AccountResolver(accounts);
  return buildSchema({
    resolvers: [AccountResolver],
    container: { get: () => resolver },
    directives: [...specifiedDirectives, ErrorsDirective],
    // Arguments are checked in accounts/, for every door alike.
    validate: false,
  });
}
