import { useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { Form, PasswordField } from "../form.tsx";
import { MailedLinkPage } from "../mailed-link-page.tsx";
import { forgetMailedToken } from "../mailed-link.ts";
import { FINALIZE_RESET } from "../operations.ts";
import { GO_BACK, goBack } from "../return-to.ts";
import { NEW_PASSWORD_HINT, newPassword, repeated } from "../rules.ts";
import { session } from "../session.ts";

const NEW_LINK = { text: "Get a new link", to: "/forgot-password" };

export function NewPasswordPage() {
  const [, navigate] = useLocation();
  return (
    <MailedLinkPage
      title="Choose a new password"
      withoutLink="To choose a new password, open the link in the email we sent you."
      newLink={NEW_LINK}
    >
      {(token) => (
        <Form
          mutation={FINALIZE_RESET}
          fields={{ password: "", repeated: "" }}
          variables={({ password }) => ({ token, password })}
          keep={({ finalizeReset }) => {
            void session.begin(finalizeReset);
            forgetMailedToken(token);
          }}
          onSuccess={() => {
            if (goBack()) return;
            announce(`Your password has been changed, and you're logged in.${GO_BACK}`);
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
    </MailedLinkPage>
  );
}
