import { useQuery } from "urql";
import { Link, useLocation } from "wouter";

import { Form } from "../form.tsx";
import { LoadFailure } from "../load-failure.tsx";
import { ME, REQUEST_RESET } from "../operations.ts";
import { Page } from "../page.tsx";

/** What to do once a change of the email address is undone, that somebody else may have made. */
export function SecureAccountPage() {
  const [, navigate] = useLocation();
  const [{ data, error, fetching }, reload] = useQuery({ query: ME, requestPolicy: "network-only" });
  const me = data?.me;
  return (
    <Page title="Now secure your account">
      <LoadFailure error={error} fetching={fetching} retry={() => reload()} />
      {me && (
        <>
          <p>Your email address is {me.email} again, and all other devices are logged out.</p>
          <p>Whoever changed it may know your password. Choose a new one first:</p>
          <Form
            mutation={REQUEST_RESET}
            fields={{}}
            variables={() => ({ email: me.email })}
            onSuccess={({ requestReset: { message } }) =>
              navigate("/check-mail/reset", { state: { email: me.email, message } })
            }
            button="Send a link to choose a new password"
          />
          <p>Then see what else was changed:</p>
          <ul className="links">
            <li>
              <Link href="/account/activity">Recent activity</Link>
            </li>
            <li>
              <Link href="/account/username">Your username</Link>, which is {me.username}
            </li>
          </ul>
        </>
      )}
    </Page>
  );
}
