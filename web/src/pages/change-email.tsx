import { useState } from "react";
import { Link } from "wouter";

import { Field, Form, PasswordField } from "../form.tsx";
import { REQUEST_EMAIL_CHANGE } from "../operations.ts";
import { Page } from "../page.tsx";
import { email, required } from "../rules.ts";
import { serverSettings } from "../server-settings.ts";
import { UsernameForManagers } from "../username-for-managers.tsx";

export function ChangeEmailPage() {
  const [message, setMessage] = useState("");
  return (
    <Page title="Change your email address">
      <p>We'll send a confirmation link to your new email address. Nothing changes until you confirm it.</p>
      <Form
        mutation={REQUEST_EMAIL_CHANGE}
        fields={{ newEmail: "", password: "" }}
        variables={(fields) => fields}
        onSuccess={({ requestEmailChange }) => setMessage(requestEmailChange.message)}
        button="Send confirmation link"
      >
        <UsernameForManagers />
        <Field name="newEmail" label="New email" rule={email} type="email" autoComplete="email" />
        <PasswordField name="password" label="Password" rule={required} autoComplete="current-password" />
      </Form>
      <div role="status">
        {message !== "" && <p>{message}</p>}
        {message !== "" && serverSettings.hasMailbox && (
          <p>
            <a href="/mailbox">Open the mailbox</a>
          </p>
        )}
      </div>
      <p className="aside">
        Changed it lately, and lost the old mailbox?{" "}
        <Link href="/account/email/undo">Make the change final</Link>
      </p>
    </Page>
  );
}
