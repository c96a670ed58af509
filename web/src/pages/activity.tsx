import { RECENT_ACTIVITY } from "../operations.ts";
import { Page } from "../page.tsx";
import { Events } from "../events.tsx";

export function ActivityPage() {
  return (
    <Page title="Recent activity">
      <p>See something you don't recognize? Change your password.</p>
      <Events query={RECENT_ACTIVITY} variables={{}} connection={(data) => data.recentActivity} />
    </Page>
  );
}
