import { useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { Form, PasswordField } from "../form.tsx";
import { DELETE_ACCOUNT } from "../operations.ts";
import { Page } from "../page.tsx";
import { required } from "../rules.ts";
import { session } from "../session.ts";
import { UsernameForManagers } from "../username-for-managers.tsx";

export function DeleteAccountPage() {
  const [, navigate] = useLocation();
  return (
    <Page title="Delete your account">
      <p>
        You'll be logged out on all devices. To restore your account, log in within 30 days. After that, it
        will be permanently erased along with all its data.
      </p>
      <Form
        mutation={DELETE_ACCOUNT}
        fields={{ password: "" }}
        variables={(fields) => fields}
        onSuccess={({ deleteAccount }) => {
          announce(deleteAccount.message);
          navigate("/");
          void session.forget();
        }}
        button="Delete account"
        isDangerous
      >
        <UsernameForManagers />
        <PasswordField name="password" label="Password" rule={required} autoComplete="current-password" />
      </Form>
    </Page>
  );
}
