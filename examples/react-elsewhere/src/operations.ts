// The operations of the account server that this front end uses.
import { gql } from "graphql-request";

export interface User {
  readonly id: string;
  readonly username: string;
  readonly email: string;
}

export interface PendingAccount {
  readonly username: string;
  readonly email: string;
  readonly needsPassword: boolean;
}

const AUTH = gql`
  fragment Auth on AuthPayload {
    accessToken
    expiresAt
    user {
      id
    }
  }
`;

/** The link of the email opens this front end, because the server's APPLICATIONS say so of `example`. */
export const REGISTER = gql`
  mutation Register($username: String!, $email: String!, $password: String!) {
    register(username: $username, email: $email, password: $password, application: "example") {
      message
    }
  }
`;

export const PENDING_ACCOUNT = gql`
  query PendingAccount($token: String!) {
    pendingAccount(token: $token) {
      username
      email
      needsPassword
    }
  }
`;

export const FINALIZE_REGISTRATION = gql`
  mutation FinalizeRegistration($token: String!, $password: String) {
    finalizeRegistration(token: $token, password: $password) {
      ...Auth
    }
  }
  ${AUTH}
`;

export const LOGIN = gql`
  mutation Login($username: String!, $password: String!) {
    login(username: $username, password: $password) {
      ...Auth
    }
  }
  ${AUTH}
`;

export const ME = gql`
  query Me {
    me {
      id
      username
      email
    }
  }
`;
