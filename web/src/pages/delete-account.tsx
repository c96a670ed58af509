import { useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { Form, PasswordField } from "../form.tsx";
import { DELETE_ACCOUNT } from "../operations.ts";
import { Page } from "../page.tsx";
import { required } from "../rules.ts";
import { signOut } from "../session.ts";

export function DeleteAccountPage() {
  const [, navigate] = useLocation();
  return (
    <Page title="Delete your account">
      <p>
        You are signed out everywhere. For 30 days, logging in restores the account; then it is erased with
        all that belongs to it.
      </p>
      <Form
        mutation={DELETE_ACCOUNT}
        fields={{ password: "" }}
        variables={(fields) => fields}
        onSuccess={({ deleteAccount }) => {
          announce(deleteAccount.message);
          navigate("/");
          signOut();
        }}
        button="Delete account"
      >
        <PasswordField name="password" label="Password" rule={required} autoComplete="current-password" />
      </Form>
    </Page>
  );
}
