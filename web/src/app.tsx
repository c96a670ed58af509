// The pages, and who can see them.
import "./address.ts";

import { Fragment, useMemo, useState, type ReactNode } from "react";
import { Provider } from "urql";
import { Link, Redirect, Route, Router, Switch, useLocation } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";

import { announcement } from "./announcement.ts";
import { createClient } from "./client.ts";
import { AccountPage } from "./pages/account.tsx";
import { ActivityPage } from "./pages/activity.tsx";
import { ChangeEmailPage } from "./pages/change-email.tsx";
import { ChangePasswordPage } from "./pages/change-password.tsx";
import { ChangeUsernamePage } from "./pages/change-username.tsx";
import { CheckMailPage } from "./pages/check-mail.tsx";
import { DeleteAccountPage } from "./pages/delete-account.tsx";
import { ContinuePage } from "./pages/continue.tsx";
import { DevicesPage } from "./pages/devices.tsx";
import { EmailsPage } from "./pages/emails.tsx";
import { EndEmailChangeUndoPage } from "./pages/end-email-change-undo.tsx";
import { ExportPage } from "./pages/export.tsx";
import { FinalizeEmailChangePage } from "./pages/finalize-email-change.tsx";
import { FinalizePage } from "./pages/finalize.tsx";
import { ForgotPasswordPage } from "./pages/forgot-password.tsx";
import { HomePage } from "./pages/home.tsx";
import { LeavingPage } from "./pages/leaving.tsx";
import { LoginPage } from "./pages/login.tsx";
import { NewPasswordPage } from "./pages/new-password.tsx";
import { NotFoundPage } from "./pages/not-found.tsx";
import { RegisterPage } from "./pages/register.tsx";
import { SecureAccountPage } from "./pages/secure-account.tsx";
import { UndoEmailChangePage } from "./pages/undo-email-change.tsx";
import { UserPage } from "./pages/user.tsx";
import { UsersPage } from "./pages/users.tsx";
import { Restored } from "./restoring.tsx";
import { returnTo } from "./return-to.ts";
import { serverSettings } from "./server-settings.ts";
import { useSession } from "./session.ts";
import { useStore } from "./store.ts";

const FOR_SIGNED_IN = {
  "/account": AccountPage,
  "/account/password": ChangePasswordPage,
  "/account/email": ChangeEmailPage,
  "/account/email/undo": EndEmailChangeUndoPage,
  "/account/username": ChangeUsernamePage,
  "/account/devices": DevicesPage,
  "/account/activity": ActivityPage,
  "/account/export": ExportPage,
  "/account/delete": DeleteAccountPage,
  "/account/secure": SecureAccountPage,
  "/users": UsersPage,
  "/users/:id": UserPage,
  "/emails": EmailsPage,
};

export function App() {
  const { userId } = useSession();
  const client = useMemo(() => createClient(userId), [userId]);
  return (
    <Provider value={client}>
      <Router hook={useHashLocation}>
        <Header />
        <Announcement />
        <main>
          <Restored>
            <Pages />
          </Restored>
        </main>
      </Router>
    </Provider>
  );
}

function Pages() {
  const way = useStore(returnTo);
  if (way?.isLeaving) return <LeavingPage url={way.url} />;
  return (
    <Switch>
      <Route path="/" component={HomePage} />
      <Route path="/register">
        <ForVisitors>
          <RegisterPage />
        </ForVisitors>
      </Route>
      <Route path="/check-mail/registration">
        <CheckMailPage key="registration" kind="registration" />
      </Route>
      <Route path="/check-mail/reset">
        <CheckMailPage key="reset" kind="reset" />
      </Route>
      <Route path="/finalize" component={FinalizePage} />
      <Route path="/login">
        <ForVisitors>
          <LoginPage />
        </ForVisitors>
      </Route>
      {Object.entries(FOR_SIGNED_IN).map(([path, SignedInPage]) => (
        <Route key={path} path={path}>
          <ForSignedIn>
            <SignedInPage />
          </ForSignedIn>
        </Route>
      ))}
      <Route path="/change-email" component={FinalizeEmailChangePage} />
      <Route path="/undo-email-change" component={UndoEmailChangePage} />
      <Route path="/forgot-password" component={ForgotPasswordPage} />
      <Route path="/reset" component={NewPasswordPage} />
      <Route component={NotFoundPage} />
    </Switch>
  );
}

function Header() {
  const isSignedIn = useSession().userId !== null;
  return (
    <header>
      <Link href="/" className="brand">
        <img src="/favicon.svg" alt="" width="28" height="28" />
        {serverSettings.appName}
      </Link>
      {isSignedIn && <Link href="/account">Account</Link>}
    </header>
  );
}

function Announcement() {
  const said = useStore(announcement);
  return (
    <div role="status" className="announcement">
      {said && <p className={said.isTrouble ? "trouble" : ""}>{said.sentence}</p>}
    </div>
  );
}

interface HistoryState {
  /** The page that required a login. */
  readonly wanted?: string;
}

/** Sends people who are already logged in to the page they wanted, or to their account. */
function ForVisitors({ children }: { children: ReactNode }) {
  const { wanted = "/account" } = (history.state ?? {}) as HistoryState;
  const way = useStore(returnTo);
  if (useSession().userId === null) return children;
  return way ? <ContinuePage url={way.url} /> : <Redirect to={wanted} replace />;
}

/** Whoever else logs in with this browser comes to their own account, and finds nothing that was typed into the page before. */
function ForSignedIn({ children }: { children: ReactNode }) {
  const [location] = useLocation();
  const { userId } = useSession();
  const [openedBy] = useState(userId);
  if (userId === null) return <Redirect to="/login" replace state={{ wanted: location }} />;
  if (userId !== openedBy && location !== "/account") return <Redirect to="/account" replace />;
  return <Fragment key={userId}>{children}</Fragment>;
}
