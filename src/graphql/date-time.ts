// The scalar of all moments in time.
import { GraphQLScalarType } from "graphql";
import { GraphQLISODateTime } from "type-graphql";

export const DateTimeISO = new GraphQLScalarType({
  ...GraphQLISODateTime.toConfig(),
  description: "A moment in UTC, as RFC 3339 writes it, to the millisecond: `2007-12-03T10:15:30.000Z`.",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
});
