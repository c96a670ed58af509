// Every use case, by what its user wants to do.

// To become a user.
export * from "./registration/registration-rules.ts";
export * from "./registration/register.ts";
export * from "./registration/pending-account.ts";
export * from "./registration/finalize-registration.ts";
export * from "./registration/resend-registration.ts";
export * from "./registration/create-admin.ts";

// To be signed in.
export * from "./sign-in/login.ts";
export * from "./sign-in/authenticate.ts";

// To stay signed in, or not.
export * from "./sessions/refresh-session.ts";
export * from "./sessions/list-sessions.ts";
export * from "./sessions/is-own-refresh-token.ts";
export * from "./sessions/logout.ts";
export * from "./sessions/logout-everywhere.ts";
export * from "./sessions/revoke-session.ts";

// To get a new password.
export * from "./password/request-reset.ts";
export * from "./password/finalize-reset.ts";
export * from "./password/change-password.ts";
export * from "./password/step-up.ts";

// To change the email address.
export * from "./email-address/request-email-change.ts";
export * from "./email-address/finalize-email-change.ts";
export * from "./email-address/end-email-change-undo.ts";

// To look after one's own account.
export * from "./own-account/change-username.ts";
export * from "./own-account/delete-account.ts";
export * from "./own-account/export-account.ts";
export * from "./own-account/find-node.ts";

// To administer the accounts of others, and to run the server.
export * from "./administration/find-users.ts";
export * from "./administration/find-account-events.ts";
export * from "./administration/set-user-roles.ts";
export * from "./administration/deactivate-user.ts";
export * from "./administration/reactivate-user.ts";
export * from "./administration/end-user-sessions.ts";
export * from "./administration/find-queued-emails.ts";
export * from "./administration/decide-about-emails.ts";
export * from "./administration/import-users.ts";
export * from "./administration/clean-up.ts";
export * from "./administration/verify.ts";
export * from "./administration/after-restore.ts";
export * from "./administration/learn-password-works.ts";
