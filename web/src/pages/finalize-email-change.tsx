import { useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { LOG_IN } from "../failure.ts";
import { Form } from "../form.tsx";
import { MailedLinkPage } from "../mailed-link-page.tsx";
import { forgetMailedToken } from "../mailed-link.ts";
import { FINALIZE_EMAIL_CHANGE } from "../operations.ts";
import { signIn } from "../session.ts";

const NEW_LINK = { text: "Ask for a new link", to: "/account/email" };

/** Where the link to the new address leads, and the one to the old address that undoes the change. */
export function FinalizeEmailChangePage() {
  const [, navigate] = useLocation();
  return (
    <MailedLinkPage
      title="Confirm your address"
      withoutLink="To confirm an address, open the link in the mail that we sent there."
      newLink={NEW_LINK}
    >
      {(token) => (
        <>
          <p>One click, and the address that got the mail is that of your account.</p>
          <Form
            mutation={FINALIZE_EMAIL_CHANGE}
            fields={{}}
            variables={() => ({ token })}
            keep={({ finalizeEmailChange }) => {
              signIn(finalizeEmailChange);
              forgetMailedToken(token);
            }}
            onSuccess={({ finalizeEmailChange: { user } }) => {
              announce(`The address of your account is ${user.email}.`);
              navigate("/account", { replace: true });
            }}
            afterDeadLink={[NEW_LINK, LOG_IN]}
            button="Confirm address"
          />
        </>
      )}
    </MailedLinkPage>
  );
}
