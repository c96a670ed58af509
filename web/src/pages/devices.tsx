import { useQuery } from "urql";
import { useLocation } from "wouter";

import { Action } from "../action.tsx";
import { announce } from "../announcement.ts";
import { timeInWords } from "../format.ts";
import { LOGOUT_EVERYWHERE, REVOKE_SESSION, SESSIONS } from "../operations.ts";
import { Page } from "../page.tsx";
import { session } from "../session.ts";

export function DevicesPage() {
  const [, navigate] = useLocation();
  const [{ data }, reload] = useQuery({ query: SESSIONS, requestPolicy: "network-only" });
  return (
    <Page title="Your devices">
      <ul className="rows">
        {data?.sessions.map(({ id, device, address, createdAt, lastUsedAt, current }) => (
          <li key={id}>
            <strong>{device ?? "Unknown device"}</strong> {current && <em>This device</em>}
            <p className="details">
              {address} · Logged in {timeInWords(createdAt)} · Last active {timeInWords(lastUsedAt)}
            </p>
            {!current && (
              <Action mutation={REVOKE_SESSION} variables={{ id }} onSuccess={() => reload()}>
                Log out this device
              </Action>
            )}
          </li>
        ))}
      </ul>
      <Action
        mutation={LOGOUT_EVERYWHERE}
        variables={{}}
        onSuccess={() => {
          announce("You're logged out on all devices.");
          navigate("/");
          void session.forget();
        }}
      >
        Log out on all devices
      </Action>
    </Page>
  );
}
