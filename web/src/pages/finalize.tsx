import { Link, useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { LOG_IN } from "../failure.ts";
import { Form } from "../form.tsx";
import { forgetMailedToken, useMailedToken } from "../mailed-link.ts";
import { FINALIZE_REGISTRATION } from "../operations.ts";
import { Page } from "../page.tsx";
import { signIn } from "../session.ts";

const NEW_LINK = { text: "Get a new confirmation link", to: "/check-mail/registration" };

export function FinalizePage() {
  const [, navigate] = useLocation();
  const token = useMailedToken();
  return (
    <Page title="Confirm your account">
      {token === null ? (
        <>
          <p>To confirm your account, open the link in the mail that we sent you.</p>
          <Link href={NEW_LINK.to} className="secondary">
            {NEW_LINK.text}
          </Link>
        </>
      ) : (
        <>
          <p>One click, and your address is confirmed and you are signed in.</p>
          <Form
            key={token}
            mutation={FINALIZE_REGISTRATION}
            fields={{}}
            variables={() => ({ token })}
            keep={({ finalizeRegistration }) => {
              signIn(finalizeRegistration);
              forgetMailedToken(token);
            }}
            onSuccess={() => {
              announce("Your account is confirmed.");
              navigate("/account", { replace: true });
            }}
            afterDeadLink={[NEW_LINK, LOG_IN]}
            button="Confirm account"
          />
        </>
      )}
    </Page>
  );
}
