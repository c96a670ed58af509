// All GraphQL operations of the web client. Their types come from schema.graphql.
import { initGraphQLTada } from "gql.tada";

import type { introspection } from "./graphql-env.d.ts";

export const graphql = initGraphQLTada<{
  introspection: introspection;
  disableMasking: true;
  scalars: { DateTimeISO: string; JSON: object };
}>();

/** The errors that a user can do something about: a closed list. */
export type AccountErrorCode = ReturnType<typeof graphql.scalar<"AccountErrorCode">>;

export type AccountEventType = ReturnType<typeof graphql.scalar<"AccountEventType">>;
export type QueuedEmailState = ReturnType<typeof graphql.scalar<"QueuedEmailState">>;
export type Role = ReturnType<typeof graphql.scalar<"Role">>;

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
  mutation Register($username: String!, $email: String!, $password: String!, $challengeSolution: String) {
    register(username: $username, email: $email, password: $password, challengeSolution: $challengeSolution) {
      message
    }
  }
`);

export const PENDING_ACCOUNT = graphql(`
  query PendingAccount($token: String!) {
    pendingAccount(token: $token) {
      username
      email
      registeredAt
      device
      needsPassword
    }
  }
`);

export const FINALIZE_REGISTRATION = graphql(`
  mutation FinalizeRegistration($token: String!, $password: String) {
    finalizeRegistration(token: $token, password: $password) {
      accessToken
      expiresAt
      user {
        id
      }
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
  mutation Login($username: String!, $password: String!, $challengeSolution: String) {
    login(username: $username, password: $password, challengeSolution: $challengeSolution) {
      accessToken
      expiresAt
      user {
        id
      }
    }
  }
`);

export const REQUEST_RESET = graphql(`
  mutation RequestReset($email: String!, $challengeSolution: String) {
    requestReset(email: $email, challengeSolution: $challengeSolution) {
      message
    }
  }
`);

export const FINALIZE_RESET = graphql(`
  mutation FinalizeReset($token: String!, $password: String!) {
    finalizeReset(token: $token, password: $password) {
      accessToken
      expiresAt
      user {
        id
      }
    }
  }
`);

export const LOGOUT = graphql(`
  mutation Logout {
    logout {
      message
    }
  }
`);

export const LOGOUT_EVERYWHERE = graphql(`
  mutation LogoutEverywhere {
    logoutEverywhere {
      message
    }
  }
`);

export const SESSIONS = graphql(`
  query Sessions {
    sessions {
      id
      device
      address
      createdAt
      lastUsedAt
      current
    }
  }
`);

export const REVOKE_SESSION = graphql(`
  mutation RevokeSession($id: ID!) {
    revokeSession(id: $id) {
      message
    }
  }
`);

export const CONFIRM_PASSWORD = graphql(`
  mutation ConfirmPassword($password: String!) {
    confirmPassword(password: $password) {
      message
    }
  }
`);

export const CHANGE_PASSWORD = graphql(`
  mutation ChangePassword($currentPassword: String!, $newPassword: String!) {
    changePassword(currentPassword: $currentPassword, newPassword: $newPassword) {
      accessToken
      expiresAt
      user {
        id
      }
    }
  }
`);

export const REQUEST_EMAIL_CHANGE = graphql(`
  mutation RequestEmailChange($newEmail: String!, $password: String!) {
    requestEmailChange(newEmail: $newEmail, password: $password) {
      message
    }
  }
`);

export const FINALIZE_EMAIL_CHANGE = graphql(`
  mutation FinalizeEmailChange($token: String!, $password: String) {
    finalizeEmailChange(token: $token, password: $password) {
      accessToken
      expiresAt
      user {
        id
        email
      }
    }
  }
`);

export const END_EMAIL_CHANGE_UNDO = graphql(`
  mutation EndEmailChangeUndo($password: String!) {
    endEmailChangeUndo(password: $password) {
      message
    }
  }
`);

export const CHANGE_USERNAME = graphql(`
  mutation ChangeUsername($username: String!) {
    changeUsername(username: $username) {
      id
      username
    }
  }
`);

export const DELETE_ACCOUNT = graphql(`
  mutation DeleteAccount($password: String!) {
    deleteAccount(password: $password) {
      message
    }
  }
`);

export const EXPORT_ACCOUNT = graphql(`
  mutation ExportAccount($password: String!) {
    exportAccount(password: $password)
  }
`);

const EVENT_CONNECTION = graphql(`
  fragment Events on AccountEventConnection {
    edges {
      node {
        id
        type
        occurredAt
        count
        lastOccurredAt
        address
        device
        actor
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
`);

export const RECENT_ACTIVITY = graphql(
  `
    query RecentActivity($after: String) {
      recentActivity(after: $after) {
        ...Events
      }
    }
  `,
  [EVENT_CONNECTION],
);

export const ACCOUNT_EVENTS = graphql(
  `
    query AccountEvents($userId: ID!, $after: String) {
      accountEvents(userId: $userId, after: $after) {
        ...Events
      }
    }
  `,
  [EVENT_CONNECTION],
);

export const USERS = graphql(`
  query Users($search: String, $after: String) {
    users(search: $search, after: $after) {
      edges {
        node {
          id
          username
          email
          roles
          isActive
          deactivatedAt
          eraseAt
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const USER = graphql(`
  query User($id: ID!) {
    user(id: $id) {
      id
      username
      email
      roles
      isActive
      deactivatedAt
      eraseAt
      createdAt
    }
  }
`);

export const SET_USER_ROLES = graphql(`
  mutation SetUserRoles($id: ID!, $roles: [Role!]!) {
    setUserRoles(id: $id, roles: $roles) {
      id
    }
  }
`);

export const DEACTIVATE_USER = graphql(`
  mutation DeactivateUser($id: ID!) {
    deactivateUser(id: $id) {
      id
    }
  }
`);

export const REACTIVATE_USER = graphql(`
  mutation ReactivateUser($id: ID!) {
    reactivateUser(id: $id) {
      id
    }
  }
`);

export const END_USER_SESSIONS = graphql(`
  mutation EndUserSessions($id: ID!) {
    endUserSessions(id: $id) {
      id
    }
  }
`);

export const QUEUED_EMAILS = graphql(`
  query QueuedEmails($state: QueuedEmailState!, $after: String) {
    queuedEmails(state: $state, after: $after) {
      edges {
        node {
          id
          kind
          state
          createdAt
          nextAttemptAt
          attempts
          lastError
          user {
            id
            username
            email
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const QUEUED_EMAIL_COUNTS = graphql(`
  query QueuedEmailCounts {
    queuedEmailCounts {
      waiting
      sending
      retrying
      failed
      done
    }
  }
`);

export const RETRY_EMAIL = graphql(`
  mutation RetryEmail($id: ID!) {
    retryEmail(id: $id) {
      id
    }
  }
`);

export const DISCARD_EMAIL = graphql(`
  mutation DiscardEmail($id: ID!) {
    discardEmail(id: $id) {
      id
    }
  }
`);
