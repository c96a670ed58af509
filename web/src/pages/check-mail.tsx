import { useState } from "react";
import { Link } from "wouter";

import { Field, Form } from "../form.tsx";
import { REQUEST_RESET, RESEND_REGISTRATION } from "../operations.ts";
import { Page } from "../page.tsx";
import { email } from "../rules.ts";
import { serverSettings } from "../server-settings.ts";

/** What the page before this one knows, kept in the history so that a reload keeps it, too. */
interface HistoryState {
  readonly email?: string;
  readonly message?: string;
}

export function CheckMailPage({ kind }: { kind: "registration" | "reset" }) {
  const [{ email: address = "", message }, setState] = useState((history.state ?? {}) as HistoryState);
  const onSuccess = (message: string, email: string) => setState({ message, email });
  const form = {
    fields: { email: address },
    variables: (fields: { email: string }) => fields,
    button: message === undefined ? "Send a link" : "Send it again",
    children: <Field name="email" label="Email" rule={email} type="email" autoComplete="email" />,
  };
  return (
    <Page title={message === undefined ? "Get a new link" : "Check your mail"}>
      <div role="status">
        {message === undefined ? (
          <p>Give the address of your account, and we send you a new link.</p>
        ) : (
          <p>{message} Open the link in it to go on.</p>
        )}
        {serverSettings.hasMailbox && (
          <p>
            <a href="/mailbox">Open the mailbox</a>
          </p>
        )}
      </div>
      {message !== undefined && <p>Nothing came? Look among the unwanted mails, or have it sent again:</p>}
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
      <p className="aside">
        <Link href="/login">Back to the login</Link>
      </p>
    </Page>
  );
}
