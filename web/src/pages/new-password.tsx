import { Link, useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { Form, PasswordField } from "../form.tsx";
import { forgetMailedToken, useMailedToken } from "../mailed-link.ts";
import { FINALIZE_RESET } from "../operations.ts";
import { Page } from "../page.tsx";
import { NEW_PASSWORD_HINT, newPassword, repeated } from "../rules.ts";
import { signIn } from "../session.ts";

const NEW_LINK = { text: "Get a new link", to: "/forgot-password" };

export function NewPasswordPage() {
  const [, navigate] = useLocation();
  const token = useMailedToken();
  return (
    <Page title="Choose a new password">
      {token === null ? (
        <>
          <p>To choose a new password, open the link in the mail that we sent you.</p>
          <Link href={NEW_LINK.to} className="secondary">
            {NEW_LINK.text}
          </Link>
        </>
      ) : (
        <Form
          key={token}
          mutation={FINALIZE_RESET}
          fields={{ password: "", repeated: "" }}
          variables={({ password }) => ({ token, password })}
          keep={({ finalizeReset }) => {
            signIn(finalizeReset);
            forgetMailedToken(token);
          }}
          onSuccess={() => {
            announce("Your new password is set, and you are signed in.");
            navigate("/account", { replace: true });
          }}
          afterDeadLink={[NEW_LINK]}
          button="Set password"
        >
          <PasswordField
            name="password"
            label="Password"
            rule={newPassword}
            affects="repeated"
            hint={NEW_PASSWORD_HINT}
            autoComplete="new-password"
            showsStrength
          />
          <PasswordField
            name="repeated"
            label="Repeat password"
            rule={repeated}
            autoComplete="new-password"
          />
        </Form>
      )}
    </Page>
  );
}
