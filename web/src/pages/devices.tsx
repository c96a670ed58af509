import { useQuery } from "urql";
import { useLocation } from "wouter";

import { Action } from "../action.tsx";
import { announce, announceHere } from "../announcement.ts";
import { timeInWords } from "../format.ts";
import { LoadFailure } from "../load-failure.tsx";
import { LOGOUT_EVERYWHERE, REVOKE_SESSION, SESSIONS } from "../operations.ts";
import { Page } from "../page.tsx";
import { session } from "../session.ts";

export function DevicesPage() {
  const [, navigate] = useLocation();
  const [{ data, error, fetching }, reload] = useQuery({ query: SESSIONS, requestPolicy: "network-only" });
  return (
    <Page title="Your devices">
      {!data && !error && <p aria-busy="true">Loading…</p>}
      <LoadFailure error={error} fetching={fetching} retry={() => reload()} />
      <ul className="rows">
        {data?.sessions.map(({ id, device, address, createdAt, lastUsedAt, current }) => (
          <li key={id}>
            <strong>{device ?? "Unknown device"}</strong> {current && <em>This device</em>}
            <p className="details">
              {address} · Logged in {timeInWords(createdAt)} · Last active {timeInWords(lastUsedAt)}
            </p>
            {!current && (
              <Action
                mutation={REVOKE_SESSION}
                variables={{ id }}
                onSuccess={() => {
                  announceHere(`${device ?? "The device"} is logged out.`);
                  reload();
                }}
              >
                Log out this device
              </Action>
            )}
          </li>
        ))}
      </ul>
      <Action
        mutation={LOGOUT_EVERYWHERE}
        variables={{}}
        isDangerous
        question="Log out on all devices, including this one?"
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
