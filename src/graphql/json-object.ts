// A scalar for output whose shape is not part of the contract.
import { GraphQLScalarType } from "graphql";

export const JSONObject = new GraphQLScalarType<object, object>({
  name: "JSON",
  description: "A JSON object, as defined in RFC 8259.",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc8259",
  serialize: (value) => value as object,
});
