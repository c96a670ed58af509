import { Page } from "../page.tsx";

/** While the browser opens the page that sent people here. */
export function LeavingPage({ url }: { url: string }) {
  const { host } = new URL(url);
  return (
    <Page title="You're logged in">
      <p>Taking you back to {host}.</p>
      <a href={url} className="primary">
        Continue to {host}
      </a>
    </Page>
  );
}
