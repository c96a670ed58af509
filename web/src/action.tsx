// A button that runs one mutation. It is busy until the answer arrives, and shows an error below itself.
import { useState } from "react";
import { useMutation, type AnyVariables, type TypedDocumentNode } from "urql";

import { explain } from "./failure.ts";

interface ActionProps<Data, Variables extends AnyVariables> {
  readonly mutation: TypedDocumentNode<Data, Variables>;
  readonly variables: Variables;
  readonly onSuccess: (data: Data) => void;
  readonly children: string;
}

export function Action<Data, Variables extends AnyVariables>({
  mutation,
  variables,
  onSuccess,
  children,
}: ActionProps<Data, Variables>) {
  const [{ fetching }, execute] = useMutation(mutation);
  const [sentence, setSentence] = useState("");

  async function act(): Promise<void> {
    setSentence("");
    const { data, error } = await execute(variables);
    if (data) onSuccess(data);
    if (error) setSentence(explain(error).sentence);
  }

  return (
    <>
      <button
        type="button"
        className="secondary"
        aria-disabled={fetching}
        aria-busy={fetching}
        onClick={() => {
          if (!fetching) void act();
        }}
      >
        {children}
      </button>
      <div role="alert" className="failure">
        {sentence !== "" && <p>{sentence}</p>}
      </div>
    </>
  );
}
