import { useQuery } from "urql";
import { useLocation } from "wouter";

import { Action } from "../action.tsx";
import { announce } from "../announcement.ts";
import { timeInWords } from "../format.ts";
import { LOGOUT_EVERYWHERE, REVOKE_SESSION, SESSIONS } from "../operations.ts";
import { Page } from "../page.tsx";
import { signOut } from "../session.ts";

export function DevicesPage() {
  const [, navigate] = useLocation();
  const [{ data }, reload] = useQuery({ query: SESSIONS, requestPolicy: "network-only" });
  return (
    <Page title="Your devices">
      <ul className="rows">
        {data?.sessions.map(({ id, device, address, createdAt, lastUsedAt, current }) => (
          <li key={id}>
            <strong>{device ?? "Unknown device"}</strong> {current && <em>this device</em>}
            <p className="details">
              {address} · since {timeInWords(createdAt)} · last used {timeInWords(lastUsedAt)}
            </p>
            {!current && (
              <Action mutation={REVOKE_SESSION} variables={{ id }} onSuccess={() => reload()}>
                Sign this device out
              </Action>
            )}
          </li>
        ))}
      </ul>
      <Action
        mutation={LOGOUT_EVERYWHERE}
        variables={{}}
        onSuccess={() => {
          announce("You are signed out on every device.");
          navigate("/");
          signOut();
        }}
      >
        Sign out on every device
      </Action>
    </Page>
  );
}
