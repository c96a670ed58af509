// Whether it is known yet who is logged in. The page draws before that, and says so if the server cannot be reached: that is no logout.
import type { ReactNode } from "react";

import { serverSettings } from "./server-settings.ts";
import { session } from "./session.ts";
import { Store, useStore } from "./store.ts";

const progress = new Store<"under way" | "failed" | "done">("under way");

/** Never fails: the page tries again when the network or the person is back. */
export async function restoreSession(): Promise<void> {
  progress.set("under way");
  try {
    await session.restore();
    progress.set("done");
  } catch {
    progress.set("failed");
  }
}

function tryAgain(): void {
  if (progress.get() === "failed" && document.visibilityState === "visible") void restoreSession();
}
addEventListener("online", tryAgain);
addEventListener("visibilitychange", tryAgain);

/** Shows its children to people of whom it is known whether they are logged in. */
export function Restored({ children }: { children: ReactNode }) {
  const state = useStore(progress);
  if (state === "done") return children;
  return (
    <section className="page" aria-busy={state === "under way"}>
      <title>{serverSettings.appName}</title>
      {state === "under way" ? (
        <p className="late">Loading…</p>
      ) : (
        <>
          <p role="alert">We can't reach the server, so we don't know yet whether you're logged in.</p>
          <button type="button" className="secondary" onClick={() => void restoreSession()}>
            Try again
          </button>
        </>
      )}
    </section>
  );
}
