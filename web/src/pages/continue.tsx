import { useQuery } from "urql";

import { Action } from "../action.tsx";
import { explain } from "../failure.ts";
import { LOGOUT, ME } from "../operations.ts";
import { Page } from "../page.tsx";
import { forgetReturnTo } from "../return-to.ts";
import { session } from "../session.ts";

/**
 * For who is logged in already when a page on another origin sends them here. They choose: otherwise anybody's link could log them in
 * there without their knowledge.
 */
export function ContinuePage({ url }: { url: string }) {
  const [{ data, error }] = useQuery({ query: ME, requestPolicy: "network-only" });
  const me = data?.me;
  return (
    <Page title="Continue">
      {me && (
        <>
          <p>
            You're logged in as <strong>{me.username}</strong>.
          </p>
          <a href={url} className="primary" onClick={forgetReturnTo}>
            Continue to {new URL(url).host}
          </a>
        </>
      )}
      <Action mutation={LOGOUT} variables={{}} onSuccess={() => void session.forget()}>
        Use another account
      </Action>
      <div role="alert" className="failure">
        {error && <p>{explain(error).sentence}</p>}
      </div>
    </Page>
  );
}
