// The shape of an error's `extensions`. No field returns it: it is in the schema so that code generators emit it.
import {
  GraphQLID,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from "graphql";

import { AccountErrorCodeType } from "./errors-directive.ts";
import { JSONObject } from "./json-object.ts";

const AccountErrorField = new GraphQLObjectType({
  name: "AccountErrorField",
  description: "A malformed argument, and what is wrong with it.",
  fields: {
    field: { type: new GraphQLNonNull(GraphQLString), description: "The name of the argument." },
    message: {
      type: new GraphQLNonNull(GraphQLString),
      description: "A sentence for people that says how to correct it.",
    },
  },
});

export const AccountErrorExtensions = new GraphQLObjectType({
  name: "AccountErrorExtensions",
  description:
    "The `extensions` of an error of an operation. No field returns this type: it is here for code generators. An error has " +
    "only those of its fields that say something; the others are absent, not null.",
  fields: {
    code: {
      type: new GraphQLNonNull(AccountErrorCodeType),
      description:
        "What has happened. Expect other values, too: those of invalid requests, INTERNAL_SERVER_ERROR, and those of later versions.",
    },
    field: { type: GraphQLString, description: "The name of the argument that is at fault." },
    fields: {
      type: new GraphQLList(new GraphQLNonNull(AccountErrorField)),
      description: "All malformed arguments, with BAD_USER_INPUT.",
    },
    retryAfterSeconds: {
      type: GraphQLInt,
      description:
        "How many seconds to wait before the next attempt, with RATE_LIMITED and SERVICE_UNAVAILABLE.",
    },
    challenge: { type: JSONObject, description: "The challenge to solve, with CHALLENGE_REQUIRED." },
    id: {
      type: GraphQLID,
      description: "Identifies the error in the server's log, with INTERNAL_SERVER_ERROR.",
    },
  },
});
