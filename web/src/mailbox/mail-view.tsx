// One email as HTML, as text, or as its source.
import { useEffect, useState, type KeyboardEvent } from "react";

import { keyOf, loadSource, type Mail } from "./mails.ts";

const TABS = ["HTML", "Text", "Source"] as const;
export type Tab = (typeof TABS)[number];

const STEPS: Readonly<Partial<Record<string, number>>> = { ArrowRight: 1, ArrowLeft: -1 };

interface MailViewProps {
  readonly mail: Mail;
  readonly tab: Tab;
  readonly onTab: (tab: Tab) => void;
}

export function MailView({ mail, tab, onTab }: MailViewProps) {
  function stepByKey({ key }: KeyboardEvent): void {
    const step = STEPS[key];
    if (step === undefined) return;
    const next = TABS.at((TABS.indexOf(tab) + step) % TABS.length) ?? tab;
    onTab(next);
    document.getElementById(next)?.focus();
  }

  return (
    <article className="page" aria-labelledby="subject">
      <h2 id="subject">{mail.subject}</h2>
      <p className="details">
        To {mail.to} · from {mail.from} · {new Date(mail.date).toLocaleString()}
      </p>
      <div role="tablist" aria-label="Show as" onKeyDown={stepByKey}>
        {TABS.map((name) => (
          <button
            key={name}
            id={name}
            type="button"
            role="tab"
            className={name === tab ? "primary" : "secondary"}
            aria-selected={name === tab}
            aria-controls="panel"
            tabIndex={name === tab ? 0 : -1}
            onClick={() => onTab(name)}
          >
            {name}
          </button>
        ))}
      </div>
      {/* A new key makes a new frame: another content in the same frame would be an entry in the browser history. */}
      <div id="panel" role="tabpanel" aria-labelledby={tab} key={keyOf(mail)}>
        {tab === "HTML" && <Html mail={mail} />}
        {tab === "Text" && <pre>{mail.text}</pre>}
        {tab === "Source" && <Source id={mail.id} />}
      </div>
    </article>
  );
}

/** The sandbox blocks scripts and forms of the email. Its links open in a new tab. */
function Html({ mail }: { mail: Mail }) {
  return (
    <iframe
      title={mail.subject}
      sandbox="allow-popups allow-popups-to-escape-sandbox"
      srcDoc={`<base target="_blank">${mail.html}`}
    />
  );
}

function Source({ id }: { id: string }) {
  const [source, setSource] = useState("");
  useEffect(() => {
    void loadSource(id)
      .catch(() => "This mail cannot be loaded.")
      .then(setSource);
  }, [id]);
  return <pre>{source}</pre>;
}
