import { Link, useLocation } from "wouter";

import { Field, Form } from "../form.tsx";
import { REQUEST_RESET } from "../operations.ts";
import { Page } from "../page.tsx";
import { keepReturnToForMail } from "../return-to.ts";
import { email } from "../rules.ts";

export function ForgotPasswordPage() {
  const [, navigate] = useLocation();
  return (
    <Page title="Forgot your password?">
      <p>Enter your email address and we'll send you a link to choose a new password.</p>
      <Form
        mutation={REQUEST_RESET}
        fields={{ email: "" }}
        variables={(fields) => fields}
        onSuccess={({ requestReset: { message } }, { email }) => {
          keepReturnToForMail();
          navigate("/check-mail/reset", { state: { email, message } });
        }}
        button="Send reset link"
        aside={<Link href="/login">Back to login</Link>}
      >
        <Field name="email" label="Email" rule={email} type="email" autoComplete="email" />
      </Form>
    </Page>
  );
}
