import { useState } from "react";
import { Link } from "wouter";

import { Field, Form } from "../form.tsx";
import { REQUEST_RESET, RESEND_REGISTRATION } from "../operations.ts";
import { Page } from "../page.tsx";
import { keepReturnToForMail } from "../return-to.ts";
import { email } from "../rules.ts";
import { serverSettings } from "../server-settings.ts";

/** What the previous page passed on, and what was sent here. Kept in the history, so that a reload keeps it too. */
interface HistoryState {
  readonly email?: string;
  readonly message?: string;
}

const GO_ON = "Open the link in the email to continue.";
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export function CheckMailPage({ kind }: { kind: "registration" | "reset" }) {
  const [{ email: address = "", message }] = useState(() => (history.state ?? {}) as HistoryState);
  const [sent, setSent] = useState<string | null>(null);
  const isAgain = message !== undefined || sent !== null;

  function onSuccess(message: string, email: string): void {
    keepReturnToForMail();
    history.replaceState({ message, email } satisfies HistoryState, "");
    setSent(`${isAgain ? `Sent again at ${TIME.format(new Date())}. ` : ""}${message} ${GO_ON}`);
  }

  const form = {
    fields: { email: address },
    variables: (fields: { email: string }) => fields,
    button: isAgain ? "Send again" : "Send link",
    aside: <Link href="/login">Back to login</Link>,
    children: <Field name="email" label="Email" rule={email} type="email" autoComplete="email" />,
  };
  return (
    <Page title={message === undefined ? "Get a new link" : "Check your email"}>
      {message === undefined ? (
        <p>Enter your email address and we'll send you a new link.</p>
      ) : (
        <p role="status">
          {message} {GO_ON}
        </p>
      )}
      {serverSettings.hasMailbox && (
        <p>
          <a href="/mailbox">Open the mailbox</a>
        </p>
      )}
      {message !== undefined && <p>Didn't get the email? Check your spam folder, or send it again:</p>}
      {kind === "registration" ? (
        <Form
          {...form}
          mutation={RESEND_REGISTRATION}
          onSuccess={({ resendRegistration }, { email }) => onSuccess(resendRegistration.message, email)}
        />
      ) : (
        <Form
          {...form}
          mutation={REQUEST_RESET}
          onSuccess={({ requestReset }, { email }) => onSuccess(requestReset.message, email)}
        />
      )}
      <div role="status" className="sent">
        {sent !== null && <p>{sent}</p>}
      </div>
    </Page>
  );
}
