// A long list, loaded page by page with a button.
import { useState, type ReactNode } from "react";
import { useQuery, type OperationContext, type TypedDocumentNode } from "urql";

import { LoadFailure } from "./load-failure.tsx";

export interface ConnectionOf<Node> {
  readonly edges: readonly { readonly node: Node }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

interface PagedListProps<Data, Variables extends object, Node> {
  readonly query: TypedDocumentNode<Data, Variables & { after?: string | null }>;
  readonly variables: Variables;
  readonly connection: (data: Data) => ConnectionOf<Node>;
  readonly row: (node: Node) => ReactNode;
  /** The same at every rendering. */
  readonly context?: Partial<OperationContext>;
}

export function PagedList<Data, Variables extends object, Node extends { readonly id: string }>(
  props: PagedListProps<Data, Variables, Node>,
) {
  return (
    <ul className="rows">
      <ListPage {...props} after={null} />
    </ul>
  );
}

/** Each page renders the next one, so that no page is loaded twice. */
function ListPage<Data, Variables extends object, Node extends { readonly id: string }>(
  props: PagedListProps<Data, Variables, Node> & { readonly after: string | null },
) {
  const { query, variables, connection, row, context, after } = props;
  const [isContinued, setContinued] = useState(false);
  const [{ data, error, fetching }, reload] = useQuery({
    query,
    variables: { ...variables, after },
    requestPolicy: "cache-and-network",
    ...(context && { context }),
  });
  if (!data) {
    return (
      <li aria-busy={fetching}>
        {!error && "Loading…"}
        <LoadFailure
          error={error}
          fetching={fetching}
          retry={() => reload({ requestPolicy: "network-only" })}
        />
      </li>
    );
  }
  const { edges, pageInfo } = connection(data);
  return (
    <>
      {edges.map(({ node }) => (
        <li key={node.id}>{row(node)}</li>
      ))}
      {after === null && edges.length === 0 && <li>No results.</li>}
      {pageInfo.hasNextPage && !isContinued && (
        <li>
          <button type="button" className="secondary" onClick={() => setContinued(true)}>
            Show more
          </button>
        </li>
      )}
      {isContinued && <ListPage {...props} after={pageInfo.endCursor} />}
    </>
  );
}
