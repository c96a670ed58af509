import { useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { Field, Form } from "../form.tsx";
import { CHANGE_USERNAME } from "../operations.ts";
import { Page } from "../page.tsx";
import { username } from "../rules.ts";

export function ChangeUsernamePage() {
  const [, navigate] = useLocation();
  return (
    <Page title="Change your username">
      <Form
        mutation={CHANGE_USERNAME}
        fields={{ username: "" }}
        variables={(fields) => fields}
        onSuccess={({ changeUsername }) => {
          announce(`Your username is now ${changeUsername.username}.`);
          navigate("/account");
        }}
        button="Change username"
      >
        <Field
          name="username"
          label="Username"
          rule={username}
          hint="3 to 32 characters: letters, numbers, and _ . -"
          autoComplete="username"
        />
      </Form>
    </Page>
  );
}
