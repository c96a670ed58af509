// What went wrong, in words for the person at the screen, and what to do next.
import type { CombinedError } from "urql";

import type { AccountErrorCode } from "./operations.ts";

/** A page where the person gets on. */
export interface NextStep {
  readonly text: string;
  readonly to: string;
}

export interface Failure {
  readonly sentence: string;
  readonly nextSteps: readonly NextStep[];
  /** What is wrong with which of the form's fields. */
  readonly fields: readonly { readonly field: string; readonly message: string }[];
}

export const LOG_IN: NextStep = { text: "Log in", to: "/login" };
const REGISTER: NextStep = { text: "Create an account", to: "/register" };
const NEW_PASSWORD: NextStep = { text: "Choose a new password", to: "/forgot-password" };
const NEW_CONFIRMATION: NextStep = { text: "Get a new confirmation link", to: "/check-mail/registration" };

interface ErrorExtensions {
  readonly code?: string;
  readonly field?: string;
  readonly fields?: Failure["fields"];
  readonly id?: string;
  readonly retryAfterSeconds?: number;
}

type Explanation = (
  message: string,
  extensions: ErrorExtensions,
) => readonly [sentence: string, ...nextSteps: NextStep[]];

/** Complete by its type: a new code of the server needs its words here. */
const EXPLANATIONS: Readonly<Record<AccountErrorCode | "INTERNAL_SERVER_ERROR", Explanation>> = {
  USERNAME_TAKEN: () => ["This username is taken. Choose another."],
  EMAIL_TAKEN: (_message, { field }) => {
    const sentence = "This address has an account already, or one that waits for its confirmation.";
    return field === "newEmail" ? [sentence] : [sentence, LOG_IN, NEW_CONFIRMATION];
  },
  BAD_USER_INPUT: () => ["Mend what is marked above and try again."],
  WEAK_PASSWORD: (message) => [message],
  INVALID_CREDENTIALS: (_message, { field }) => {
    if (field !== undefined) return ["This is not your password."];
    // Where the server hides which addresses have accounts, it says the same of one that is not confirmed yet.
    const sentence =
      "No account has this username and password. Check both, and whether you have confirmed your account.";
    return [sentence, NEW_PASSWORD, NEW_CONFIRMATION];
  },
  ACCOUNT_NOT_ACTIVATED: () => [
    "This account is not confirmed yet. Use the link in the mail that you got.",
    NEW_CONFIRMATION,
  ],
  EMAIL_NOT_FOUND: () => ["No account has this address. Check it for typing errors.", REGISTER],
  ALREADY_ACTIVATED: () => ["This account is confirmed already.", LOG_IN],
  INVALID_TOKEN: () => ["This link does not work any more: it has expired, or it was used already."],
  ACCOUNT_DEACTIVATED: () => [
    "This account has been deactivated by an administrator. Only they can let you in again.",
  ],
  FORBIDDEN: () => ["Only an administrator may do this."],
  NOT_FOUND: () => ["This is not there any more."],
  LAST_ADMIN: () => ["This is the last administrator. Give somebody else the role first."],
  UNAUTHENTICATED: () => ["Your session has ended.", LOG_IN],
  SERVER_BUSY: () => ["The server is busy. Try again in a moment."],
  RATE_LIMITED: (_message, { retryAfterSeconds }) => [
    `Too many tries. Try again ${retryAfterSeconds === undefined ? "later" : `in ${retryAfterSeconds} seconds`}.`,
  ],
  INTERNAL_SERVER_ERROR: (_message, { id = "unknown" }) => [
    `Something went wrong on our side. Try again, or tell us this id: ${id}`,
  ],
};

/**
 * @param formFields the fields that can show what is wrong with them
 * @param afterDeadLink where a person gets on whose mailed link does not work
 */
export function explain(
  error: CombinedError,
  formFields: readonly string[] = [],
  afterDeadLink: readonly NextStep[] = [],
): Failure {
  const [first] = error.graphQLErrors;
  if (!first) {
    return {
      sentence: "The server cannot be reached. Check your connection and try again.",
      nextSteps: [],
      fields: [],
    };
  }
  const extensions: ErrorExtensions = first.extensions;
  // Nothing of the form is at fault: then the link is, or what nobody typed.
  const unmarked = afterDeadLink.length > 0 ? "INVALID_TOKEN" : undefined;
  const { field = "" } = extensions;
  const faults = (extensions.fields ?? []).filter((fault) => formFields.includes(fault.field));
  const code = extensions.code === "BAD_USER_INPUT" && faults.length === 0 ? unmarked : extensions.code;
  const explanation = isExplained(code) ? EXPLANATIONS[code] : (message: string) => [message] as const;
  const [sentence, ...nextSteps] = explanation(first.message, extensions);
  return {
    sentence,
    nextSteps: code === "INVALID_TOKEN" ? afterDeadLink : nextSteps,
    fields: faults.length === 0 && formFields.includes(field) ? [{ field, message: sentence }] : faults,
  };
}

function isExplained(code: string | undefined): code is keyof typeof EXPLANATIONS {
  return code !== undefined && Object.hasOwn(EXPLANATIONS, code);
}
