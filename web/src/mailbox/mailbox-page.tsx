// The mailbox: the list of emails and the one in view.
import { useState } from "react";

import { serverSettings } from "../server-settings.ts";
import { useStore } from "../store.ts";
import { MailView, type Tab } from "./mail-view.tsx";
import { clearMailbox, keyOf, mailbox, type Mail, type MailboxState } from "./mails.ts";

export function MailboxPage() {
  const state = useStore(mailbox);
  const [chosen, setChosen] = useState<string | null>(null);
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const [tab, setTab] = useState<Tab>("HTML");

  const mails = state.mails ?? [];
  // The chosen email stays in view when others arrive; without a choice, the newest is in view.
  const inView = mails.find((mail) => keyOf(mail) === chosen) ?? mails[0];
  if (inView && !seen.has(keyOf(inView))) setSeen(new Set(seen).add(keyOf(inView)));

  return (
    <>
      <header>
        <h1>Mailbox</h1>
        <p>
          {serverSettings.hasWebClient && (
            <>
              <a href="/">Account server</a> ·{" "}
            </>
          )}
          <a href="/graphql">GraphiQL</a>
        </p>
        <span id="count" role="status" className="details">
          {inWords(state)}
        </span>
        <button type="button" className="secondary" disabled={mails.length === 0} onClick={clearMailbox}>
          Clear
        </button>
      </header>
      <nav aria-label="Mails">
        <ul id="list">
          {mails.map((mail) => (
            <li key={keyOf(mail)}>
              <button
                type="button"
                className={seen.has(keyOf(mail)) ? "" : "new"}
                aria-current={mail === inView}
                onClick={() => setChosen(keyOf(mail))}
              >
                <strong>{mail.subject}</strong>
                <span className="details">
                  {mail.to} · {timeOf(mail)}
                </span>
              </button>
            </li>
          ))}
        </ul>
      </nav>
      <main>
        {state.mails?.length === 0 && <p>No mail yet. It appears here as soon as it is sent.</p>}
        {inView && <MailView mail={inView} tab={tab} onTab={setTab} />}
      </main>
    </>
  );
}

function inWords({ mails, hasFailed }: MailboxState): string {
  if (hasFailed) return "The server does not answer as it should.";
  if (!mails) return "";
  return mails.length === 1 ? "1 mail" : `${mails.length} mails`;
}

/** The time of today's emails, and date and time of older ones. */
function timeOf(mail: Mail): string {
  const date = new Date(mail.date);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? date.toLocaleTimeString() : date.toLocaleString();
}
