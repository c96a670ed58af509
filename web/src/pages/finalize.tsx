import { useQuery } from "urql";
import { Link, useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { explain, LOG_IN } from "../failure.ts";
import { Form, PasswordField } from "../form.tsx";
import { timeInWords } from "../format.ts";
import { MailedLinkPage } from "../mailed-link-page.tsx";
import { forgetMailedToken } from "../mailed-link.ts";
import { FINALIZE_REGISTRATION, ME, PENDING_ACCOUNT } from "../operations.ts";
import { GO_BACK, goBack } from "../return-to.ts";
import { NEW_PASSWORD_HINT, newPassword, repeated } from "../rules.ts";
import { session, useSession } from "../session.ts";

const NEW_LINK = { text: "Get a new confirmation link", to: "/check-mail/registration" };
const AFTER_DEAD_LINK = [NEW_LINK, LOG_IN];

export function FinalizePage() {
  return (
    <MailedLinkPage
      title="Confirm your email address"
      withoutLink="To confirm your email address, open the link in the email we sent you."
      newLink={NEW_LINK}
    >
      {(token) => <PendingAccount token={token} />}
    </MailedLinkPage>
  );
}

/** Shows whose account it is before anybody confirms it, because a stranger may have registered the email address. */
function PendingAccount({ token }: { token: string }) {
  const [{ data, error }, ask] = useQuery({
    query: PENDING_ACCOUNT,
    variables: { token },
    requestPolicy: "network-only",
  });
  const askAgain = () => ask({ requestPolicy: "network-only" });
  const account = data?.pendingAccount;
  if (!account) {
    const failure = error && explain(error, [], AFTER_DEAD_LINK);
    return (
      <>
        <div role="alert" className="failure">
          {failure && <p>{failure.sentence}</p>}
          {failure?.nextSteps.map(({ text, to }) => (
            <p key={to}>
              <Link href={to}>{text}</Link>
            </p>
          ))}
        </div>
        {error?.networkError && (
          <button type="button" className="secondary" onClick={askAgain}>
            Try again
          </button>
        )}
      </>
    );
  }
  const { username, email, registeredAt, device, needsPassword } = account;
  return (
    <>
      {needsPassword ? (
        <p>
          Someone else may have used your email address to create an account, too. Choose a password now, so
          that only you can log in. You can change the username later.
        </p>
      ) : (
        <p>Confirm only if you created this account. Whoever created it knows its password.</p>
      )}
      <dl>
        <dt>Username</dt>
        <dd>{username}</dd>
        <dt>Email</dt>
        <dd>{email}</dd>
        <dt>Created</dt>
        <dd>
          {timeInWords(registeredAt)}
          {device !== null && ` (${device})`}
        </dd>
      </dl>
      <SignedInNotice username={username} />
      {/* Starts anew when the account turns out to need a password. */}
      <ConfirmForm
        key={String(needsPassword)}
        token={token}
        needsPassword={needsPassword}
        onPasswordRequired={askAgain}
      />
    </>
  );
}

/** Confirming replaces the session of this browser, which may be another account's. */
function SignedInNotice({ username }: { username: string }) {
  const isSignedIn = useSession().userId !== null;
  const [{ data }] = useQuery({ query: ME, pause: !isSignedIn });
  if (!isSignedIn) return null;
  return (
    <p>
      You're logged in{data?.me && ` as ${data.me.username}`}. If you confirm, this browser switches to the
      account {username}.
    </p>
  );
}

interface ConfirmFormProps {
  readonly token: string;
  readonly needsPassword: boolean;
  /** Somebody has registered the email address since the page was opened. */
  readonly onPasswordRequired: () => void;
}

function ConfirmForm({ token, needsPassword, onPasswordRequired }: ConfirmFormProps) {
  const [, navigate] = useLocation();
  return (
    <Form
      mutation={FINALIZE_REGISTRATION}
      fields={{ password: "", repeated: "" }}
      variables={({ password }) => ({ token, password: needsPassword ? password : null })}
      keep={({ finalizeRegistration }) => {
        void session.begin(finalizeRegistration);
        forgetMailedToken(token);
      }}
      onSuccess={() => {
        if (goBack()) return;
        announce(`Your email address is confirmed.${GO_BACK}`);
        navigate("/account", { replace: true });
      }}
      onFailure={({ code }) => {
        if (code === "PASSWORD_REQUIRED") onPasswordRequired();
      }}
      afterDeadLink={AFTER_DEAD_LINK}
      button="Confirm email address"
    >
      {needsPassword && (
        <>
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
        </>
      )}
    </Form>
  );
}
