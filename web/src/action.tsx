// A button that runs one mutation. It is busy until the answer arrives, and shows an error below itself. Below it, it asks whether
// to go on, if it is told to, and for the password, if the server wants it.
import { useRef, useState } from "react";
import { useMutation, type AnyVariables, type TypedDocumentNode } from "urql";

import { done, type Done } from "./done.ts";
import { explain, type Failure } from "./failure.ts";
import { Form, PasswordField } from "./form.tsx";
import { CONFIRM_PASSWORD } from "./operations.ts";
import { required } from "./rules.ts";
import { UsernameForManagers } from "./username-for-managers.tsx";

interface ActionProps<Data, Variables extends AnyVariables> {
  readonly mutation: TypedDocumentNode<Data, Variables>;
  readonly variables: Variables;
  readonly onSuccess: (data: Done<Data>) => void;
  /** Whether it takes something away. */
  readonly isDangerous?: boolean;
  /** What to ask before it is done. */
  readonly question?: string;
  /** The id of what describes the button, where many have the same words. */
  readonly about?: string;
  readonly children: string;
}

export function Action<Data, Variables extends AnyVariables>({
  mutation,
  variables,
  onSuccess,
  isDangerous = false,
  question,
  about,
  children,
}: ActionProps<Data, Variables>) {
  const [{ fetching }, execute] = useMutation(mutation);
  const button = useRef<HTMLButtonElement>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [isAsking, setAsking] = useState(false);
  const className = isDangerous ? "secondary danger" : "secondary";

  async function act(): Promise<void> {
    setFailure(null);
    setAsking(false);
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
        className={className}
        aria-expanded={question === undefined ? undefined : isAsking}
        aria-disabled={fetching}
        aria-busy={fetching}
        aria-describedby={about}
        onClick={() => {
          if (fetching) return;
          if (question === undefined) void act();
          else setAsking(!isAsking);
        }}
      >
        {children}
      </button>
      {isAsking && (
        <div className="question">
          <p>{question}</p>
          <div className="decisions">
            <button
              type="button"
              className="secondary"
              autoFocus
              onClick={() => {
                setAsking(false);
                button.current?.focus();
              }}
            >
              Cancel
            </button>
            <button type="button" className={className} onClick={() => void act()}>
              Yes, {children.charAt(0).toLowerCase() + children.slice(1)}
            </button>
          </div>
        </div>
      )}
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
          <UsernameForManagers />
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
