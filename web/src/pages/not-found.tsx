import { Link } from "wouter";

import { Page } from "../page.tsx";

export function NotFoundPage() {
  return (
    <Page title="There is no such page">
      <p>
        <Link href="/">Go to the start</Link>
      </p>
    </Page>
  );
}
