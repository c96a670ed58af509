import { useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { Form, PasswordField } from "../form.tsx";
import { END_EMAIL_CHANGE_UNDO } from "../operations.ts";
import { Page } from "../page.tsx";
import { required } from "../rules.ts";
import { UsernameForManagers } from "../username-for-managers.tsx";

export function EndEmailChangeUndoPage() {
  const [, navigate] = useLocation();
  return (
    <Page title="Make your email change final">
      <p>
        For 7 days after you change your email address, a link in the email to your old address can change it
        back. If you've lost that mailbox, or someone else may read it, make the change final.
      </p>
      <p>The link then stops working after 3 days. We'll email both addresses.</p>
      <Form
        mutation={END_EMAIL_CHANGE_UNDO}
        fields={{ password: "" }}
        variables={(fields) => fields}
        onSuccess={({ endEmailChangeUndo }) => {
          announce(endEmailChangeUndo.message);
          navigate("/account");
        }}
        button="Make change final"
      >
        <UsernameForManagers />
        <PasswordField name="password" label="Password" rule={required} autoComplete="current-password" />
      </Form>
    </Page>
  );
}
