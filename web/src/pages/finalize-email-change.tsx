import { useState } from "react";
import { useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { LOG_IN } from "../failure.ts";
import { Form, PasswordField } from "../form.tsx";
import { MailedLinkPage } from "../mailed-link-page.tsx";
import { forgetMailedToken } from "../mailed-link.ts";
import { FINALIZE_EMAIL_CHANGE } from "../operations.ts";
import { required } from "../rules.ts";
import { session } from "../session.ts";

const NEW_LINK = { text: "Get a new link", to: "/account/email" };

/** Opened by the link sent to the new address. */
export function FinalizeEmailChangePage() {
  return (
    <MailedLinkPage
      title="Confirm your email address"
      withoutLink="To confirm your email address, open the link in the email we sent you."
      newLink={NEW_LINK}
    >
      {(token) => <FinalizeEmailChange token={token} />}
    </MailedLinkPage>
  );
}

/** Only the server knows whose link it is, and whether they are logged in here. */
function FinalizeEmailChange({ token }: { token: string }) {
  const [, navigate] = useLocation();
  const [asksPassword, setAsksPassword] = useState(false);
  return (
    <>
      <p>Your account will use the email address that this link was sent to.</p>
      {asksPassword && (
        <p>
          You're not logged in here to the account that asked for this. If the account is yours, enter its
          password. If you didn't ask for this, close this page. Nothing will change.
        </p>
      )}
      <Form
        mutation={FINALIZE_EMAIL_CHANGE}
        fields={{ password: "" }}
        variables={({ password }) => ({ token, ...(asksPassword && { password }) })}
        keep={({ finalizeEmailChange }) => {
          void session.begin(finalizeEmailChange);
          forgetMailedToken(token);
        }}
        onSuccess={({ finalizeEmailChange: { user } }) => {
          announce(`Your email address is now ${user.email}.`);
          navigate("/account", { replace: true });
        }}
        onFailure={({ code }) => {
          if (code === "PASSWORD_REQUIRED") setAsksPassword(true);
        }}
        afterDeadLink={[NEW_LINK, LOG_IN]}
        button="Confirm email address"
      >
        {asksPassword && (
          <PasswordField
            name="password"
            label="Password"
            rule={required}
            autoComplete="current-password"
            autoFocus
          />
        )}
      </Form>
    </>
  );
}
