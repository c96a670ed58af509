// The schema's view of what can go wrong: the enum of codes and the directive that says which mutation raises which.
import { DirectiveLocation, GraphQLDirective, GraphQLEnumType, GraphQLList, GraphQLNonNull } from "graphql";
import { Directive } from "type-graphql";

import { ACCOUNT_ERROR_CODES, type AccountErrorCode } from "../accounts/rules/account-error.ts";

export const AccountErrorCodeType = new GraphQLEnumType({
  name: "AccountErrorCode",
  description:
    "What extensions.code of an expected failure can be. Faults of the request itself keep Apollo's codes, and " +
    "INTERNAL_SERVER_ERROR, with an extensions.id that also stands in the server's log, may come from any field.",
  values: Object.fromEntries(
    Object.entries(ACCOUNT_ERROR_CODES).map(([code, description]) => [code, { description }]),
  ),
});

export const ErrorsDirective = new GraphQLDirective({
  name: "errors",
  description: "The codes that this field can raise.",
  locations: [DirectiveLocation.FIELD_DEFINITION],
  args: {
    codes: {
      description: "In no order of importance.",
      type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(AccountErrorCodeType))),
    },
  },
});

/** Decorates a resolver with the codes it can raise. */
export function Errors(...codes: AccountErrorCode[]): MethodDecorator {
  return Directive(`@errors(codes: [${codes.join(", ")}])`);
}
