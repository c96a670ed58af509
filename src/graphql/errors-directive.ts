// The error codes in the schema: their enum, and the codes that each field can raise, as a directive and in its description.
import {
  DirectiveLocation,
  getDirectiveValues,
  GraphQLDirective,
  GraphQLEnumType,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLSchema,
} from "graphql";
import { Directive } from "type-graphql";

import { ACCOUNT_ERROR_CODES, type AccountErrorCode } from "../accounts/rules/account-error.ts";

export const AccountErrorCodeType = new GraphQLEnumType({
  name: "AccountErrorCode",
  description:
    "The values of `extensions.code` when an operation is refused. An invalid request keeps Apollo's own codes. A server with a " +
    "list of trusted documents refuses all others with DOCUMENT_NOT_TRUSTED. Any field can also raise SERVICE_UNAVAILABLE, and " +
    "INTERNAL_SERVER_ERROR, whose `extensions.id` identifies the error in the server's log.",
  values: Object.fromEntries(
    Object.entries(ACCOUNT_ERROR_CODES).map(([code, description]) => [code, { description }]),
  ),
});

export const ErrorsDirective = new GraphQLDirective({
  name: "errors",
  description: "Lists the error codes that a field can raise.",
  locations: [DirectiveLocation.FIELD_DEFINITION],
  args: {
    codes: {
      description: "The error codes, in no particular order.",
      type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(AccountErrorCodeType))),
    },
  },
});

/** Declares the error codes that a resolver can raise. */
export function Errors(...codes: AccountErrorCode[]): MethodDecorator {
  return Directive(`@errors(codes: [${codes.join(", ")}])`);
}

/** Adds the codes to the descriptions, because introspection tells nothing of directives. */
export function describeErrors(schema: GraphQLSchema): void {
  for (const root of [schema.getQueryType(), schema.getMutationType()])
    for (const field of Object.values(root?.getFields() ?? {})) {
      const codes = field.astNode && getDirectiveValues(ErrorsDirective, field.astNode)?.["codes"];
      const list = ((codes ?? []) as string[]).map((code) => `\`${code}\``).join(", ");
      if (list) field.description = `${field.description}\n\nErrors: ${list}.`;
    }
}
