import { Link, useLocation } from "wouter";

import { Field, Form, PasswordField } from "../form.tsx";
import { REGISTER } from "../operations.ts";
import { Page } from "../page.tsx";
import { keepReturnToForMail } from "../return-to.ts";
import { email, NEW_PASSWORD_HINT, newPassword, username } from "../rules.ts";

export function RegisterPage() {
  const [, navigate] = useLocation();
  return (
    <Page title="Create an account">
      <Form
        mutation={REGISTER}
        fields={{ username: "", email: "", password: "" }}
        variables={(fields) => fields}
        onSuccess={({ register: { message } }, { email }) => {
          keepReturnToForMail();
          navigate("/check-mail/registration", { state: { email, message } });
        }}
        button="Create account"
        aside={
          <>
            Already have an account? <Link href="/login">Log in</Link>
          </>
        }
      >
        <Field
          name="username"
          label="Username"
          rule={username}
          hint="3 to 32 characters: letters, numbers, and _ . -"
          autoComplete="username"
        />
        <Field
          name="email"
          label="Email"
          rule={email}
          hint="We'll send you a link to confirm it."
          type="email"
          autoComplete="email"
        />
        <PasswordField
          name="password"
          label="Password"
          rule={newPassword}
          hint={NEW_PASSWORD_HINT}
          autoComplete="new-password"
          showsStrength
        />
      </Form>
    </Page>
  );
}
