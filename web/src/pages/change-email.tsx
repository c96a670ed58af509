import { useState } from "react";

import { Field, Form, PasswordField } from "../form.tsx";
import { REQUEST_EMAIL_CHANGE } from "../operations.ts";
import { Page } from "../page.tsx";
import { email, required } from "../rules.ts";
import { serverSettings } from "../server-settings.ts";

export function ChangeEmailPage() {
  const [message, setMessage] = useState("");
  return (
    <Page title="Change your email address">
      <p>We send a link to the new address; it becomes yours when you open it.</p>
      <Form
        mutation={REQUEST_EMAIL_CHANGE}
        fields={{ newEmail: "", password: "" }}
        variables={(fields) => fields}
        onSuccess={({ requestEmailChange }) => setMessage(requestEmailChange.message)}
        button="Send the link"
      >
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
    </Page>
  );
}
