import { useState } from "react";
import { useQuery } from "urql";
import { useLocation } from "wouter";

import { announce } from "../announcement.ts";
import { explain } from "../failure.ts";
import { ME } from "../operations.ts";
import { Page } from "../page.tsx";
import { signOut } from "../session.ts";

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

export function AccountPage() {
  const [, navigate] = useLocation();
  const [{ data, error, fetching }, refetch] = useQuery({ query: ME, requestPolicy: "network-only" });
  // Stays while one tries again, and so does the button with the focus.
  const [failure, setFailure] = useState(error);
  if (!fetching && failure !== error) setFailure(error);
  const me = data?.me;
  return (
    <Page title="Your account">
      <dl aria-busy={fetching}>
        <dt>Username</dt>
        <dd>{me?.username}</dd>
        <dt>Email</dt>
        <dd>{me?.email}</dd>
        <dt>Roles</dt>
        <dd>{me?.roles.map((role) => role.toLowerCase()).join(", ")}</dd>
        <dt>Member since</dt>
        <dd>{me && DATE.format(new Date(me.createdAt))}</dd>
      </dl>
      <button
        type="button"
        className="secondary"
        onClick={() => {
          announce("You are signed out.");
          navigate("/");
          signOut();
        }}
      >
        Sign out
      </button>
      <div role="alert" className="failure">
        {failure && (
          <>
            <p>{explain(failure).sentence}</p>
            <button type="button" className="secondary" aria-busy={fetching} onClick={() => refetch()}>
              Try again
            </button>
          </>
        )}
      </div>
    </Page>
  );
}
