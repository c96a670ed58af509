import { Link } from "wouter";

import { RECENT_ACTIVITY } from "../operations.ts";
import { Page } from "../page.tsx";
import { Events } from "../events.tsx";

export function ActivityPage() {
  return (
    <Page title="Recent activity">
      <p>
        See something you don't recognize? <Link href="/account/password">Change your password</Link>.
      </p>
      <Events query={RECENT_ACTIVITY} variables={{}} connection={(data) => data.recentActivity} />
    </Page>
  );
}
