import { useQuery } from "urql";
import { useParams } from "wouter";

import { Action } from "../action.tsx";
import { Events } from "../events.tsx";
import { explain } from "../failure.ts";
import { dateInWords, rolesInWords, statusInWords } from "../format.ts";
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
  const [{ data, error }, reload] = useQuery({
    query: USER,
    variables: { id },
    requestPolicy: "cache-and-network",
  });
  const user = data?.user;
  const changed = () => reload({ requestPolicy: "network-only" });
  return (
    <Page title={user?.username ?? "User"}>
      <div role="alert" className="failure">
        {error && <p>{explain(error).sentence}</p>}
      </div>
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
            <Action mutation={SET_USER_ROLES} variables={{ id, roles: ["USER"] }} onSuccess={changed}>
              Remove administrator role
            </Action>
          ) : (
            <Action
              mutation={SET_USER_ROLES}
              variables={{ id, roles: ["USER", "ADMIN"] }}
              onSuccess={changed}
            >
              Make administrator
            </Action>
          )}
          <Action mutation={END_USER_SESSIONS} variables={{ id }} onSuccess={changed}>
            Log out on all devices
          </Action>
          {user.deactivatedAt === null ? (
            <Action mutation={DEACTIVATE_USER} variables={{ id }} onSuccess={changed}>
              Deactivate
            </Action>
          ) : (
            <Action mutation={REACTIVATE_USER} variables={{ id }} onSuccess={changed}>
              Reactivate
            </Action>
          )}
          <h2>Activity</h2>
          <Events
            query={ACCOUNT_EVENTS}
            variables={{ userId: id }}
            connection={(data) => data.accountEvents}
          />
        </>
      )}
    </Page>
  );
}
