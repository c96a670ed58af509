import { Link, useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { LOG_IN } from "../failure.ts";
import { Form } from "../form.tsx";
import { forgetMailedToken, useMailedToken } from "../mailed-link.ts";
import { FINALIZE_EMAIL_CHANGE } from "../operations.ts";
import { Page } from "../page.tsx";
import { signIn } from "../session.ts";

const NEW_LINK = { text: "Ask for a new link", to: "/account/email" };

/** Where the link to the new address leads, and the one to the old address that undoes the change. */
export function FinalizeEmailChangePage() {
  const [, navigate] = useLocation();
  const token = useMailedToken();
  return (
    <Page title="Confirm your address">
      {token === null ? (
        <>
          <p>To confirm an address, open the link in the mail that we sent there.</p>
          <Link href={NEW_LINK.to} className="secondary">
            {NEW_LINK.text}
          </Link>
        </>
      ) : (
        <>
          <p>One click, and the address that got the mail is that of your account.</p>
          <Form
            key={token}
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
    </Page>
  );
}
