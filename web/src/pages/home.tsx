import { Link } from "wouter";

import { Page } from "../page.tsx";
import { serverSettings } from "../server-settings.ts";
import { useSession } from "../session.ts";

const { appName, hasGraphiQL, hasMailbox } = serverSettings;

export function HomePage() {
  return (
    <Page title={appName}>
      {useSession().userId !== null ? (
        <>
          <p>You're logged in.</p>
          <Link href="/account" className="primary">
            Go to your account
          </Link>
        </>
      ) : (
        <>
          <p>Create an account, or log in to manage yours.</p>
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
                <a href="/graphql">GraphiQL</a>: try every operation of the API
              </li>
            )}
            {hasMailbox && (
              <li>
                <a href="/mailbox">Mailbox</a>: outgoing emails land here instead of being sent
              </li>
            )}
          </ul>
        </nav>
      )}
    </Page>
  );
}
