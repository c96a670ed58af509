import { useLocation } from "wouter";

import { LOG_IN } from "../failure.ts";
import { Form } from "../form.tsx";
import { MailedLinkPage } from "../mailed-link-page.tsx";
import { forgetMailedToken } from "../mailed-link.ts";
import { FINALIZE_EMAIL_CHANGE } from "../operations.ts";
import { session } from "../session.ts";

/** Opened by the link sent to the old address: by somebody whose account is being stolen. */
export function UndoEmailChangePage() {
  const [, navigate] = useLocation();
  return (
    <MailedLinkPage
      title="Undo the change of your email address"
      withoutLink="To undo the change, open the link in the email we sent to your old address."
      newLink={LOG_IN}
    >
      {(token) => (
        <>
          <p>
            Your account will go back to the email address that this link was sent to. Everyone who is logged
            in to it will be logged out.
          </p>
          <Form
            mutation={FINALIZE_EMAIL_CHANGE}
            fields={{}}
            variables={() => ({ token })}
            keep={({ finalizeEmailChange }) => {
              void session.begin(finalizeEmailChange);
              forgetMailedToken(token);
            }}
            onSuccess={() => navigate("/account/secure", { replace: true })}
            afterDeadLink={[LOG_IN]}
            button="Undo the change"
          />
        </>
      )}
    </MailedLinkPage>
  );
}
