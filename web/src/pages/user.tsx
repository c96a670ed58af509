import { useState } from "react";
import { useQuery } from "urql";
import { useParams } from "wouter";

import { Action } from "../action.tsx";
import { announceHere } from "../announcement.ts";
import { Events } from "../events.tsx";
import { dateInWords, rolesInWords, statusInWords } from "../format.ts";
import { LoadFailure } from "../load-failure.tsx";
import {
  ACCOUNT_EVENTS,
  DEACTIVATE_USER,
  END_USER_SESSIONS,
  REACTIVATE_USER,
  SET_USER_ROLES,
  USER,
} from "../operations.ts";
import { Page } from "../page.tsx";

export function UserPage() {
  const { id = "" } = useParams();
  const [{ data, error, fetching }, reload] = useQuery({
    query: USER,
    variables: { id },
    requestPolicy: "cache-and-network",
  });
  const user = data?.user;
  const [changes, setChanges] = useState(0);
  function changed(sentence: string): void {
    announceHere(sentence);
    setChanges(changes + 1); // loads the activity anew
    reload({ requestPolicy: "network-only" });
  }
  return (
    <Page title={user?.username ?? "User"}>
      {!data && !error && <p aria-busy="true">Loading…</p>}
      <LoadFailure
        error={error}
        fetching={fetching}
        retry={() => reload({ requestPolicy: "network-only" })}
      />
      {user && (
        <>
          <dl>
            <dt>Email</dt>
            <dd>{user.email}</dd>
            <dt>Roles</dt>
            <dd>{rolesInWords(user.roles)}</dd>
            <dt>Created</dt>
            <dd>{dateInWords(user.createdAt)}</dd>
            <dt>Status</dt>
            <dd>{statusInWords(user)}</dd>
          </dl>
          {user.roles.includes("ADMIN") ? (
            <Action
              mutation={SET_USER_ROLES}
              variables={{ id, roles: ["USER"] }}
              isDangerous
              question={`Remove the administrator role from ${user.username}?`}
              onSuccess={() => changed(`${user.username} is no longer an administrator.`)}
            >
              Remove administrator role
            </Action>
          ) : (
            <Action
              mutation={SET_USER_ROLES}
              variables={{ id, roles: ["USER", "ADMIN"] }}
              question={`Make ${user.username} an administrator? They will be able to manage all users.`}
              onSuccess={() => changed(`${user.username} is now an administrator.`)}
            >
              Make administrator
            </Action>
          )}
          <Action
            mutation={END_USER_SESSIONS}
            variables={{ id }}
            isDangerous
            question={`Log ${user.username} out on all devices?`}
            onSuccess={() => changed(`${user.username} is logged out on all devices.`)}
          >
            Log out on all devices
          </Action>
          {user.deactivatedAt === null ? (
            <Action
              mutation={DEACTIVATE_USER}
              variables={{ id }}
              isDangerous
              question={`Deactivate ${user.username}? They will be logged out, and can't log in until you reactivate the account.`}
              onSuccess={() => changed(`${user.username} is deactivated.`)}
            >
              Deactivate
            </Action>
          ) : (
            <Action
              mutation={REACTIVATE_USER}
              variables={{ id }}
              onSuccess={() => changed(`${user.username} can log in again.`)}
            >
              Reactivate
            </Action>
          )}
          <h2>Activity</h2>
          <Events
            key={changes}
            query={ACCOUNT_EVENTS}
            variables={{ userId: id }}
            connection={(data) => data.accountEvents}
          />
        </>
      )}
    </Page>
  );
}
