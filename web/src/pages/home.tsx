import { Link } from "wouter";

import { Page } from "../page.tsx";
import { serverSettings } from "../server-settings.ts";
import { session } from "../session.ts";
import { useStore } from "../store.ts";

const { appName, hasGraphiQL, hasMailbox } = serverSettings;

export function HomePage() {
  return (
    <Page title={appName}>
      {useStore(session) ? (
        <>
          <p>You are signed in.</p>
          <Link href="/account" className="primary">
            Go to your account
          </Link>
        </>
      ) : (
        <>
          <p>One account, confirmed by mail, with a password that you can always replace.</p>
          <Link href="/register" className="primary">
            Create account
          </Link>
          <Link href="/login" className="secondary">
            Log in
          </Link>
        </>
      )}
      {(hasGraphiQL || hasMailbox) && (
        <nav aria-label="For developers" className="developers">
          <h2>For developers</h2>
          <ul>
            {hasGraphiQL && (
              <li>
                <a href="/graphql">GraphiQL</a> tries every operation of the API
              </li>
            )}
            {hasMailbox && (
              <li>
                <a href="/mailbox">Mailbox</a> shows the mails instead of sending them
              </li>
            )}
          </ul>
        </nav>
      )}
    </Page>
  );
}
