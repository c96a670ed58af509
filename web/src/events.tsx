// The audit trail of an account, the latest first.
import type { TypedDocumentNode } from "urql";

import { enumInWords, timeInWords } from "./format.ts";
import { PagedList, type ConnectionOf } from "./paged-list.tsx";

interface AccountEvent {
  readonly id: string;
  readonly type: string;
  readonly occurredAt: string;
  readonly address: string | null;
  readonly device: string | null;
  readonly actor: string;
}

export function Events<Data, Variables extends object>(props: {
  readonly query: TypedDocumentNode<Data, Variables & { after?: string | null }>;
  readonly variables: Variables;
  readonly connection: (data: Data) => ConnectionOf<AccountEvent>;
}) {
  return (
    <PagedList
      {...props}
      row={({ type, occurredAt, address, device, actor }) => (
        <>
          <strong>{enumInWords(type)}</strong>
          <p className="details">
            {[
              timeInWords(occurredAt),
              device,
              address,
              actor === "ADMIN" || actor === "OPERATOR" ? `by an ${actor.toLowerCase()}` : null,
            ]
              .filter(Boolean)
              .join(" · ")}
          </p>
        </>
      )}
    />
  );
}
