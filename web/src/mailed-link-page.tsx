// A page opened by a link from an email. Shows its form, or says how to get a link if there is none.
import { Fragment, type ReactNode } from "react";
import { Link } from "wouter";

import type { NextStep } from "./failure.ts";
import { useMailedToken } from "./mailed-link.ts";
import { Page } from "./page.tsx";

interface MailedLinkPageProps {
  readonly title: string;
  /** What to do if the page was opened without a link. */
  readonly withoutLink: string;
  readonly newLink: NextStep;
  /** The form. A newer link resets it. */
  readonly children: (token: string) => ReactNode;
}

export function MailedLinkPage({ title, withoutLink, newLink, children }: MailedLinkPageProps) {
  const token = useMailedToken();
  return (
    <Page title={title}>
      {token === null ? (
        <>
          <p>{withoutLink}</p>
          <Link href={newLink.to} className="secondary">
            {newLink.text}
          </Link>
        </>
      ) : (
        <Fragment key={token}>{children(token)}</Fragment>
      )}
    </Page>
  );
}
