// The pages, by the fragment of the URL.
import { useEffect, useState, useSyncExternalStore, type ReactNode } from "react";

import type { AuthPayload } from "account-server-client";

import {
  FINALIZE_REGISTRATION,
  LOGIN,
  ME,
  PENDING_ACCOUNT,
  REGISTER,
  type PendingAccount,
  type User,
} from "./operations.ts";
import { ask, explain, SERVER, session } from "./session.ts";

export function App() {
  const [path, query] = useSyncExternalStore(watchHash, () => location.hash).split("?");
  const token = new URLSearchParams(query).get("token");
  if (path === "#/register") return <RegisterPage />;
  if (path === "#/login") return <LoginPage />;
  if (path === "#/confirm" && token !== null) return <ConfirmPage key={token} token={token} />;
  return <HomePage />;
}

function HomePage() {
  const { userId } = useSyncExternalStore(session.subscribe, () => session.state);
  return userId === null ? <Welcome /> : <Account key={userId} />;
}

/** The key makes it a new one for another user, who logs in in another tab. */
function Account() {
  const [user, setUser] = useState<User | null>(null);
  const [failure, setFailure] = useState("");
  useEffect(() => {
    ask<{ me: User | null }>(ME).then(
      ({ me }) => setUser(me),
      (error: unknown) => setFailure(explain(error)),
    );
  }, []);
  return (
    <main>
      <p role="alert">{failure}</p>
      {user && (
        <>
          <h1>Hello {user.username}</h1>
          <p>You are logged in as {user.email}.</p>
        </>
      )}
      <Form button="Log out" send={session.end} />
    </main>
  );
}

function Welcome() {
  const returnTo = encodeURIComponent(`${location.origin}/`);
  return (
    <main>
      <h1>Example</h1>
      <p>
        <a href="#/register">Create an account</a> or <a href="#/login">log in</a> here.
      </p>
      <p>
        Or at the account server: <a href={`${SERVER}/#/register?returnTo=${returnTo}`}>Create it there</a> or{" "}
        <a href={`${SERVER}/#/login?returnTo=${returnTo}`}>log in there</a>.
      </p>
    </main>
  );
}

function RegisterPage() {
  const [message, setMessage] = useState<string | null>(null);
  if (message !== null) {
    return (
      <main>
        <h1>Check your email</h1>
        <p>{message}</p>
      </main>
    );
  }
  return (
    <main>
      <h1>Create an account</h1>
      <Form
        button="Create account"
        send={async (values) => {
          const { register } = await ask<{ register: { message: string } }>(REGISTER, values);
          setMessage(register.message);
        }}
      >
        <Field name="username" label="Username" autoComplete="username" />
        <Field name="email" label="Email" type="email" autoComplete="email" />
        <Field name="password" label="Password" type="password" autoComplete="new-password" />
      </Form>
    </main>
  );
}

function LoginPage() {
  return (
    <main>
      <h1>Log in</h1>
      <Form
        button="Log in"
        send={async (values) => {
          const { login } = await ask<{ login: AuthPayload }>(LOGIN, values);
          await session.begin(login);
          location.hash = "#/";
        }}
      >
        <Field name="username" label="Username or email" autoComplete="username" />
        <Field name="password" label="Password" type="password" autoComplete="current-password" />
      </Form>
    </main>
  );
}

/** Opened by the link of the email. Shows whose account it is: only a person confirms it, not a program that follows links. */
function ConfirmPage({ token }: { token: string }) {
  const [account, setAccount] = useState<PendingAccount | null>(null);
  const [failure, setFailure] = useState("");
  useEffect(() => {
    ask<{ pendingAccount: PendingAccount }>(PENDING_ACCOUNT, { token }).then(
      ({ pendingAccount }) => setAccount(pendingAccount),
      (error: unknown) => setFailure(explain(error)),
    );
  }, [token]);
  return (
    <main>
      <h1>Confirm your email address</h1>
      <p role="alert">{failure}</p>
      {account && (
        <>
          <p>
            Confirm only if you created the account {account.username} for {account.email}.
          </p>
          <Form
            button="Confirm"
            send={async ({ password = null }) => {
              const { finalizeRegistration } = await ask<{ finalizeRegistration: AuthPayload }>(
                FINALIZE_REGISTRATION,
                { token, password },
              );
              await session.begin(finalizeRegistration);
              location.replace("#/"); // takes the token out of the history
            }}
          >
            {account.needsPassword && (
              <Field name="password" label="New password" type="password" autoComplete="new-password" />
            )}
          </Form>
        </>
      )}
    </main>
  );
}

interface FormProps {
  readonly button: string;
  readonly send: (values: Record<string, string>) => Promise<void>;
  readonly children?: ReactNode;
}

/** Shows why the server refused. */
function Form({ button, send, children }: FormProps) {
  const [failure, setFailure] = useState("");
  async function submit(form: HTMLFormElement): Promise<void> {
    setFailure("");
    const values = Object.fromEntries(new FormData(form).entries()) as Record<string, string>;
    await send(values).catch((error: unknown) => setFailure(explain(error)));
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit(event.currentTarget);
      }}
    >
      {children}
      <button type="submit">{button}</button>
      <p role="alert">{failure}</p>
    </form>
  );
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly type?: string;
  readonly autoComplete: string;
}

function Field({ label, ...input }: FieldProps) {
  return (
    <p>
      <label>
        {label} <input required {...input} />
      </label>
    </p>
  );
}

function watchHash(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}
