// The emails that are not sent: what has failed comes first, because it waits for a decision.
import { useId, useState } from "react";
import { useQuery } from "urql";
import { Link } from "wouter";

import { Action } from "../action.tsx";
import { announceHere } from "../announcement.ts";
import { timeInWords } from "../format.ts";
import { LoadFailure } from "../load-failure.tsx";
import { mailErrorInWords } from "../mail-error.ts";
import {
  DISCARD_EMAIL,
  QUEUED_EMAIL_COUNTS,
  QUEUED_EMAILS,
  RETRY_EMAIL,
  type QueuedEmailState,
} from "../operations.ts";
import { Page } from "../page.tsx";
import { PagedList } from "../paged-list.tsx";

interface Section {
  readonly state: QueuedEmailState;
  readonly count: "failed" | "retrying" | "sending" | "waiting";
  readonly title: string;
  readonly hint: string;
}

const SECTIONS: readonly Section[] = [
  {
    state: "FAILED",
    count: "failed",
    title: "Failed",
    hint: "We've given up on these. Retry them once the cause is fixed, or discard them.",
  },
  {
    state: "RETRYING",
    count: "retrying",
    title: "Retrying",
    hint: "We'll try these again on our own.",
  },
  { state: "SENDING", count: "sending", title: "Sending", hint: "These are being sent right now." },
  { state: "WAITING", count: "waiting", title: "Waiting", hint: "These are next in line." },
];

/** Of a newer server, there may be others. */
const KINDS: Readonly<Partial<Record<string, string>>> = {
  registration: "Confirm your email address",
  "already-registered": "You already have an account",
  reset: "Reset your password",
  "password-changed": "Your password was changed",
  "email-change": "Confirm your new email address",
  "email-changed": "Your email address was changed",
  "email-undo-ending": "Your email address change becomes final",
  "email-undo-ending-notice": "Your email address change becomes final (notice)",
  "username-changed": "Your username was changed",
  "account-deleted": "Your account was deleted",
  "roles-changed": "Your roles were changed",
  "account-deactivated": "Your account was deactivated",
  "account-reactivated": "Your account was reactivated",
  "sessions-ended": "You were logged out on all devices",
};

/** Every answer about emails is stale once one of them was decided about, also one that lists none. */
const ABOUT_EMAILS = { additionalTypenames: ["QueuedEmail"] };

export function EmailsPage() {
  const [{ data, error, fetching }, reload] = useQuery({
    query: QUEUED_EMAIL_COUNTS,
    requestPolicy: "cache-and-network",
    context: ABOUT_EMAILS,
  });
  const [loaded, setLoaded] = useState(0);
  const counts = data?.queuedEmailCounts;
  const listed = SECTIONS.filter(({ count }) => counts && counts[count] > 0);
  return (
    <Page title="Unsent emails">
      <LoadFailure
        error={error}
        fetching={fetching}
        retry={() => reload({ requestPolicy: "network-only" })}
      />
      {counts && (
        <>
          <dl className="counts">
            {SECTIONS.map(({ count, title }) => (
              <Count key={count} name={title} value={counts[count]} isBad={count === "failed"} />
            ))}
            <Count name="Done" value={counts.done} />
          </dl>
          <button
            type="button"
            className="show refresh"
            aria-busy={fetching}
            onClick={() => {
              reload({ requestPolicy: "network-only" });
              setLoaded(loaded + 1);
            }}
          >
            Refresh
          </button>
          {listed.length === 0 && <p>No unsent emails. Everything has been sent.</p>}
        </>
      )}
      {listed.map(({ state, title, hint }) => (
        <section key={`${state} ${loaded}`} className="part" aria-label={title}>
          <h2>{title}</h2>
          <p className="details">{hint}</p>
          <PagedList
            query={QUEUED_EMAILS}
            variables={{ state }}
            connection={(page) => page.queuedEmails}
            row={(email) => <Email {...email} />}
            context={ABOUT_EMAILS}
          />
        </section>
      ))}
    </Page>
  );
}

function Count({ name, value, isBad = false }: { name: string; value: number; isBad?: boolean }) {
  return (
    <div className={isBad && value > 0 ? "bad" : ""}>
      <dt>{name}</dt>
      <dd>{value.toLocaleString()}</dd>
    </div>
  );
}

interface EmailProps {
  readonly id: string;
  readonly kind: string;
  readonly state: QueuedEmailState;
  readonly createdAt: string;
  readonly nextAttemptAt: string | null;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly user: { readonly id: string; readonly username: string; readonly email: string } | null;
}

function Email({ id, kind, state, createdAt, nextAttemptAt, attempts, lastError, user }: EmailProps) {
  const titleId = useId();
  const reason = lastError === null ? null : mailErrorInWords(lastError);
  return (
    <>
      <strong id={titleId}>{KINDS[kind] ?? kind}</strong>
      <p className="details">
        {user ? (
          <>
            <Link href={`/users/${user.id}`}>{user.username}</Link> · {user.email}
          </>
        ) : (
          "No such account"
        )}
      </p>
      <p className="details">
        {[
          `Requested ${timeInWords(createdAt)}`,
          attempts > 0 && (attempts === 1 ? "1 attempt" : `${attempts} attempts`),
          state === "RETRYING" && nextAttemptAt !== null && `next ${timeInWords(nextAttemptAt)}`,
        ]
          .filter(Boolean)
          .join(" · ")}
      </p>
      {reason !== null && <p className="error">{reason}</p>}
      {lastError !== null && <p className="details said">{lastError}</p>}
      {state !== "SENDING" && (
        <div className="decisions">
          {state !== "WAITING" && (
            <Action
              mutation={RETRY_EMAIL}
              variables={{ id }}
              about={titleId}
              onSuccess={() => announceHere("The email is on its way again.")}
            >
              Retry
            </Action>
          )}
          <Action
            mutation={DISCARD_EMAIL}
            variables={{ id }}
            isDangerous
            about={titleId}
            question="Discard this email? It will never be sent."
            onSuccess={() => announceHere("The email was discarded.")}
          >
            Discard
          </Action>
        </div>
      )}
    </>
  );
}
