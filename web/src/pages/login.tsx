import { Link } from "wouter";

import { announce } from "../announcement.ts";
import { Field, Form, PasswordField } from "../form.tsx";
import { LOGIN } from "../operations.ts";
import { Page } from "../page.tsx";
import { goBack } from "../return-to.ts";
import { required } from "../rules.ts";
import { session } from "../session.ts";

export function LoginPage() {
  return (
    <Page title="Log in">
      <Form
        mutation={LOGIN}
        fields={{ username: "", password: "" }}
        variables={(fields) => fields}
        keep={({ login }) => void session.begin(login)}
        onSuccess={() => {
          if (!goBack()) announce("You're logged in.");
        }}
        button="Log in"
        aside={
          <>
            <Link href="/forgot-password">Forgot your password?</Link> ·{" "}
            <Link href="/register">Create an account</Link>
          </>
        }
      >
        <Field name="username" label="Username or email" rule={required} autoComplete="username" />
        <PasswordField name="password" label="Password" rule={required} autoComplete="current-password" />
      </Form>
    </Page>
  );
}
