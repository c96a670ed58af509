// A page that a mailed link opens: its form, or where to get a link.
import { Fragment, type ReactNode } from "react";
import { Link } from "wouter";

import type { NextStep } from "./failure.ts";
import { useMailedToken } from "./mailed-link.ts";
import { Page } from "./page.tsx";

interface MailedLinkPageProps {
  readonly title: string;
  /** What to do without a link. */
  readonly withoutLink: string;
  readonly newLink: NextStep;
  /** The form, which a newer link begins anew. */
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
