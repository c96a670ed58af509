// Says why something could not be loaded, with a button that tries again.
import { useState } from "react";
import type { CombinedError } from "urql";

import { explain } from "./failure.ts";

interface LoadFailureProps {
  readonly error: CombinedError | undefined;
  readonly fetching: boolean;
  readonly retry: () => void;
}

export function LoadFailure({ error, fetching, retry }: LoadFailureProps) {
  // Stays during a retry, so that the button keeps the focus.
  const [failure, setFailure] = useState(error);
  if (!fetching && failure !== error) setFailure(error);
  return (
    <div role="alert" className="failure">
      {failure && (
        <>
          <p>{explain(failure).sentence}</p>
          <button type="button" className="secondary" aria-busy={fetching} onClick={retry}>
            Try again
          </button>
        </>
      )}
    </div>
  );
}
