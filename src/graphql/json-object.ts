// For output whose shape is data, not contract.
import { GraphQLScalarType } from "graphql";

export const JSONObject = new GraphQLScalarType<object, object>({
  name: "JSON",
  description: "A JSON object (RFC 8259).",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc8259",
  serialize: (value) => value as object,
});
