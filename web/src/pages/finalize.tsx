import { Link, useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { Form } from "../form.tsx";
import { mailedToken } from "../mailed-link.ts";
import { FINALIZE_REGISTRATION } from "../operations.ts";
import { Page } from "../page.tsx";
import { signIn } from "../session.ts";
import { useStore } from "../store.ts";

const NEW_LINK = { text: "Get a new confirmation link", to: "/check-mail/registration" };

export function FinalizePage() {
  const [, navigate] = useLocation();
  const token = useStore(mailedToken);
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
            onSuccess={({ finalizeRegistration }) => {
              signIn(finalizeRegistration);
              announce("Your account is confirmed.");
              navigate("/account", { replace: true });
              mailedToken.set(null);
            }}
            newLink={NEW_LINK}
            button="Confirm account"
          />
        </>
      )}
    </Page>
  );
}
