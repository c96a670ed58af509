// Every operation of the client; variables and results get their types from schema.graphql.
import { initGraphQLTada } from "gql.tada";

import type { introspection } from "./graphql-env.d.ts";

export const graphql = initGraphQLTada<{
  introspection: introspection;
  disableMasking: true;
  scalars: { DateTimeISO: string };
}>();

/** The closed list of what can go wrong for a reason the person can act on. */
export type AccountErrorCode = ReturnType<typeof graphql.scalar<"AccountErrorCode">>;

export const ME = graphql(`
  query Me {
    me {
      id
      username
      email
      roles
      createdAt
    }
  }
`);

export const REGISTER = graphql(`
  mutation Register($username: String!, $email: String!, $password: String!) {
    register(username: $username, email: $email, password: $password) {
      message
    }
  }
`);

export const FINALIZE_REGISTRATION = graphql(`
  mutation FinalizeRegistration($token: String!) {
    finalizeRegistration(token: $token) {
      accessToken
    }
  }
`);

export const RESEND_REGISTRATION = graphql(`
  mutation ResendRegistration($email: String!) {
    resendRegistration(email: $email) {
      message
    }
  }
`);

export const LOGIN = graphql(`
  mutation Login($username: String!, $password: String!) {
    login(username: $username, password: $password) {
      accessToken
    }
  }
`);

export const REQUEST_RESET = graphql(`
  mutation RequestReset($email: String!) {
    requestReset(email: $email) {
      message
    }
  }
`);

export const FINALIZE_RESET = graphql(`
  mutation FinalizeReset($token: String!, $password: String!) {
    finalizeReset(token: $token, password: $password) {
      accessToken
    }
  }
`);
