import { useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { Form, PasswordField } from "../form.tsx";
import { CHANGE_PASSWORD } from "../operations.ts";
import { Page } from "../page.tsx";
import { NEW_PASSWORD_HINT, newPassword, required } from "../rules.ts";
import { session } from "../session.ts";
import { UsernameForManagers } from "../username-for-managers.tsx";

export function ChangePasswordPage() {
  const [, navigate] = useLocation();
  return (
    <Page title="Change your password">
      <p>Changing your password logs you out on all other devices.</p>
      <Form
        mutation={CHANGE_PASSWORD}
        fields={{ currentPassword: "", newPassword: "" }}
        variables={(fields) => fields}
        keep={({ changePassword }) => void session.begin(changePassword)}
        onSuccess={() => {
          announce("Your password has been changed.");
          navigate("/account");
        }}
        button="Change password"
      >
        <UsernameForManagers />
        <PasswordField
          name="currentPassword"
          label="Current password"
          rule={required}
          autoComplete="current-password"
        />
        <PasswordField
          name="newPassword"
          label="New password"
          rule={newPassword}
          hint={NEW_PASSWORD_HINT}
          autoComplete="new-password"
          showsStrength
        />
      </Form>
    </Page>
  );
}
