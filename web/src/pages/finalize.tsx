import { useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { LOG_IN } from "../failure.ts";
import { Form } from "../form.tsx";
import { MailedLinkPage } from "../mailed-link-page.tsx";
import { forgetMailedToken } from "../mailed-link.ts";
import { FINALIZE_REGISTRATION } from "../operations.ts";
import { signIn } from "../session.ts";

const NEW_LINK = { text: "Get a new confirmation link", to: "/check-mail/registration" };

export function FinalizePage() {
  const [, navigate] = useLocation();
  return (
    <MailedLinkPage
      title="Confirm your email address"
      withoutLink="To confirm your email address, open the link in the email we sent you."
      newLink={NEW_LINK}
    >
      {(token) => (
        <>
          <p>Click the button to confirm your email address and log in.</p>
          <Form
            mutation={FINALIZE_REGISTRATION}
            fields={{}}
            variables={() => ({ token })}
            keep={({ finalizeRegistration }) => {
              signIn(finalizeRegistration);
              forgetMailedToken(token);
            }}
            onSuccess={() => {
              announce("Your email address is confirmed.");
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
