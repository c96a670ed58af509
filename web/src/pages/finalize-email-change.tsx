import { useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { LOG_IN } from "../failure.ts";
import { Form } from "../form.tsx";
import { MailedLinkPage } from "../mailed-link-page.tsx";
import { forgetMailedToken } from "../mailed-link.ts";
import { FINALIZE_EMAIL_CHANGE } from "../operations.ts";
import { signIn } from "../session.ts";

const NEW_LINK = { text: "Get a new link", to: "/account/email" };

/** Opened by the link sent to the new address, and by the link sent to the old one to undo the change. */
export function FinalizeEmailChangePage() {
  const [, navigate] = useLocation();
  return (
    <MailedLinkPage
      title="Confirm your email address"
      withoutLink="To confirm your email address, open the link in the email we sent you."
      newLink={NEW_LINK}
    >
      {(token) => (
        <>
          <p>Your account will use the email address that this link was sent to.</p>
          <Form
            mutation={FINALIZE_EMAIL_CHANGE}
            fields={{}}
            variables={() => ({ token })}
            keep={({ finalizeEmailChange }) => {
              signIn(finalizeEmailChange);
              forgetMailedToken(token);
            }}
            onSuccess={({ finalizeEmailChange: { user } }) => {
              announce(`Your email address is now ${user.email}.`);
              navigate("/account", { replace: true });
            }}
            afterDeadLink={[NEW_LINK, LOG_IN]}
            button="Confirm email address"
          />
        </>
      )}
    </MailedLinkPage>
  );
}
