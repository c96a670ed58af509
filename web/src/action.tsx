// A button that runs one mutation. It is busy until the answer arrives, and shows an error below itself. If the server wants the
// password first, it asks for it there, and goes on.
import { useRef, useState } from "react";
import { useMutation, type AnyVariables, type TypedDocumentNode } from "urql";

import { done, type Done } from "./done.ts";
import { explain, type Failure } from "./failure.ts";
import { Form, PasswordField } from "./form.tsx";
import { CONFIRM_PASSWORD } from "./operations.ts";
import { required } from "./rules.ts";

interface ActionProps<Data, Variables extends AnyVariables> {
  readonly mutation: TypedDocumentNode<Data, Variables>;
  readonly variables: Variables;
  readonly onSuccess: (data: Done<Data>) => void;
  /** Whether it cannot be undone. */
  readonly isDangerous?: boolean;
  /** The id of what describes the button, where many have the same words. */
  readonly about?: string;
  readonly children: string;
}

export function Action<Data, Variables extends AnyVariables>({
  mutation,
  variables,
  onSuccess,
  isDangerous = false,
  about,
  children,
}: ActionProps<Data, Variables>) {
  const [{ fetching }, execute] = useMutation(mutation);
  const button = useRef<HTMLButtonElement>(null);
  const [failure, setFailure] = useState<Failure | null>(null);

  async function act(): Promise<void> {
    setFailure(null);
    const result = await execute(variables);
    const data = done(result);
    if (data) onSuccess(data);
    if (result.error) setFailure(explain(result.error));
  }

  return (
    <>
      <button
        ref={button}
        type="button"
        className={isDangerous ? "secondary danger" : "secondary"}
        aria-disabled={fetching}
        aria-busy={fetching}
        aria-describedby={about}
        onClick={() => {
          if (!fetching) void act();
        }}
      >
        {children}
      </button>
      <div role="alert" className="failure">
        {failure && <p>{failure.sentence}</p>}
      </div>
      {failure?.code === "PASSWORD_REQUIRED" && (
        <Form
          mutation={CONFIRM_PASSWORD}
          fields={{ password: "" }}
          variables={(fields) => fields}
          onSuccess={() => {
            button.current?.focus();
            void act();
          }}
          button="Continue"
        >
          <PasswordField
            name="password"
            label="Your password"
            rule={required}
            autoComplete="current-password"
            autoFocus
          />
        </Form>
      )}
    </>
  );
}
