import { useQuery } from "urql";
import { Link, useLocation } from "wouter";

import { Action } from "../action.tsx";
import { announce } from "../announcement.ts";
import { dateInWords, rolesInWords } from "../format.ts";
import { LoadFailure } from "../load-failure.tsx";
import { LOGOUT, ME } from "../operations.ts";
import { Page } from "../page.tsx";
import { session } from "../session.ts";

const LINKS = [
  ["/account/password", "Change password"],
  ["/account/email", "Change email"],
  ["/account/username", "Change username"],
  ["/account/devices", "Devices"],
  ["/account/activity", "Recent activity"],
  ["/account/export", "Export your data"],
  ["/account/delete", "Delete account"],
] as const;

export function AccountPage() {
  const [, navigate] = useLocation();
  const [{ data, error, fetching }, refetch] = useQuery({ query: ME, requestPolicy: "network-only" });
  const me = data?.me;
  return (
    <Page title="Your account">
      <dl aria-busy={fetching}>
        <dt>Username</dt>
        <dd>{me?.username}</dd>
        <dt>Email</dt>
        <dd>{me?.email}</dd>
        <dt>Roles</dt>
        <dd>{me && rolesInWords(me.roles)}</dd>
        <dt>Member since</dt>
        <dd>{me && dateInWords(me.createdAt)}</dd>
      </dl>
      <ul className="links">
        {LINKS.map(([to, text]) => (
          <li key={to}>
            <Link href={to}>{text}</Link>
          </li>
        ))}
        {me?.roles.includes("ADMIN") && (
          <>
            <li>
              <Link href="/users">Users</Link>
            </li>
            <li>
              <Link href="/emails">Unsent emails</Link>
            </li>
          </>
        )}
      </ul>
      <Action
        mutation={LOGOUT}
        variables={{}}
        onSuccess={() => {
          announce("You're logged out.");
          navigate("/");
          void session.forget();
        }}
      >
        Log out
      </Action>
      <LoadFailure error={error} fetching={fetching} retry={() => refetch()} />
    </Page>
  );
}
