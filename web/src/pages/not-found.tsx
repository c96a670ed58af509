import { Link } from "wouter";

import { Page } from "../page.tsx";

export function NotFoundPage() {
  return (
    <Page title="Page not found">
      <p>
        <Link href="/">Go to the home page</Link>
      </p>
    </Page>
  );
}
