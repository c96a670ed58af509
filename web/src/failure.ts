// Turns an error of the API into a sentence for the user, with links to what to do next.
import type { CombinedError } from "urql";

import { SessionUserChangedError } from "../../client/session.ts";
import type { AccountErrorCode } from "./operations.ts";

/** A link to a page that helps. */
export interface NextStep {
  readonly text: string;
  readonly to: string;
}

export interface Failure {
  /** The error's code; undefined if the server did not answer. */
  readonly code: string | undefined;
  readonly sentence: string;
  readonly nextSteps: readonly NextStep[];
  /** Errors of individual form fields. */
  readonly fields: readonly { readonly field: string; readonly message: string }[];
}

export const LOG_IN: NextStep = { text: "Log in", to: "/login" };
const REGISTER: NextStep = { text: "Create an account", to: "/register" };
const RESET_PASSWORD: NextStep = { text: "Reset your password", to: "/forgot-password" };
const NEW_CONFIRMATION: NextStep = { text: "Get a new confirmation link", to: "/check-mail/registration" };

interface ErrorExtensions {
  readonly code?: string;
  readonly field?: string;
  readonly fields?: Failure["fields"];
  readonly id?: string;
}

type Explanation = (
  message: string,
  extensions: ErrorExtensions,
) => readonly [sentence: string, ...nextSteps: NextStep[]];

/** The type demands an entry for every code, so that no new one is forgotten here. */
const EXPLANATIONS: Readonly<Record<AccountErrorCode | "INTERNAL_SERVER_ERROR", Explanation>> = {
  USERNAME_TAKEN: () => ["This username is already taken. Choose another one."],
  EMAIL_TAKEN: (_message, { field }) => {
    const sentence = "An account with this email address already exists. It may still need to be confirmed.";
    return field === "newEmail" ? [sentence] : [sentence, LOG_IN, NEW_CONFIRMATION];
  },
  BAD_USER_INPUT: () => ["Fix the fields marked above and try again."],
  WEAK_PASSWORD: (message) => [message],
  INVALID_CREDENTIALS: (_message, { field }) => {
    if (field !== undefined) return ["Incorrect password."];
    // With HIDE_ACCOUNT_EXISTENCE, the server gives the same answer for accounts that are not confirmed yet.
    const sentence =
      "Incorrect username or password. If your account is new, make sure you've confirmed your email address.";
    return [sentence, RESET_PASSWORD, NEW_CONFIRMATION];
  },
  PASSWORD_REQUIRED: () => ["Enter your password to continue."],
  ACCOUNT_NOT_ACTIVATED: (_message, { field }) =>
    field === "id"
      ? ["This user hasn't confirmed their email address yet."]
      : ["Your email address isn't confirmed yet. Open the link in the email we sent you.", NEW_CONFIRMATION],
  EMAIL_NOT_FOUND: () => ["No account uses this email address. Check it for typos.", REGISTER],
  ALREADY_ACTIVATED: () => ["This email address is already confirmed.", LOG_IN],
  INVALID_TOKEN: () => ["This link no longer works. It has expired or has already been used."],
  ACCOUNT_DEACTIVATED: () => ["This account has been deactivated. Only an administrator can reactivate it."],
  FORBIDDEN: () => ["Only administrators can do this."],
  NOT_FOUND: () => ["We couldn't find this. It may have been removed."],
  LAST_ADMIN: () => ["This is the only administrator. Make someone else an administrator first."],
  UNAUTHENTICATED: () => ["Your session has ended.", LOG_IN],
  SERVER_BUSY: () => ["The server is busy. Try again in a moment."],
  RATE_LIMITED: (message) => [message],
  SERVICE_UNAVAILABLE: () => ["The service isn't available right now. Try again in a few seconds."],
  CHALLENGE_REQUIRED: () => ["We couldn't check that you're not a robot. Reload the page and try again."],
  INTERNAL_SERVER_ERROR: (_message, { id = "unknown" }) => [
    `Something went wrong on our end. Try again, or contact us with this ID: ${id}`,
  ],
};

/**
 * @param formFields the fields that can show their own errors
 * @param afterDeadLink where to go if the link from the email no longer works
 */
export function explain(
  error: CombinedError,
  formFields: readonly string[] = [],
  afterDeadLink: readonly NextStep[] = [],
): Failure {
  const [first] = error.graphQLErrors;
  if (!first) {
    return {
      code: undefined,
      sentence:
        error.networkError instanceof SessionUserChangedError
          ? "Someone else has logged in with this browser, so nothing was changed. Try again."
          : "We can't reach the server. Check your connection and try again.",
      nextSteps: [],
      fields: [],
    };
  }
  const extensions: ErrorExtensions = first.extensions;
  // If no form field is at fault, the link is, or something the user did not type.
  const unmarked = afterDeadLink.length > 0 ? "INVALID_TOKEN" : undefined;
  const { field = "" } = extensions;
  const faults = (extensions.fields ?? []).filter((fault) => formFields.includes(fault.field));
  const code = extensions.code === "BAD_USER_INPUT" && faults.length === 0 ? unmarked : extensions.code;
  const explanation = isExplained(code) ? EXPLANATIONS[code] : (message: string) => [message] as const;
  const [sentence, ...nextSteps] = explanation(first.message, extensions);
  return {
    code,
    sentence,
    nextSteps: code === "INVALID_TOKEN" ? afterDeadLink : nextSteps,
    fields: faults.length === 0 && formFields.includes(field) ? [{ field, message: sentence }] : faults,
  };
}

function isExplained(code: string | undefined): code is keyof typeof EXPLANATIONS {
  return code !== undefined && Object.hasOwn(EXPLANATIONS, code);
}
