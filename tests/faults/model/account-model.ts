// A small model of the accounts: what each operation answers and changes, if nobody interferes. Names, links and sessions are those of
// a world (world.ts), which gives each link and each session the number of the operation that it came from.

export interface Account {
  readonly id: number;
  readonly username: string;
  readonly email: string;
  readonly password: string;
  readonly isActive: boolean;
  readonly isContested: boolean;
  readonly isDeactivated: boolean;
  readonly isDeleted: boolean;
  /** Links and access tokens are good only while it is theirs. */
  readonly version: number;
  /** Kept from others; null if none is. */
  readonly formerUsername: string | null;
}

export interface Link {
  readonly kind: "registration" | "reset" | "email-change" | "email-undo";
  readonly account: number;
  readonly version: number;
  /** Of a change of the email address. */
  readonly change?: { readonly from: string; readonly to: string; readonly at: number };
}

export interface Session {
  readonly account: number;
  /** The version that the newest access token carries. */
  readonly version: number;
  /** The number of the newest refresh token that was used. */
  readonly used: number;
}

export interface State {
  readonly accounts: readonly Account[];
  readonly links: Readonly<Record<number, Link>>;
  /** Those that have not ended. */
  readonly sessions: Readonly<Record<number, Session>>;
  /** Whose each session is, or was. */
  readonly owners: Readonly<Record<number, number>>;
  /** Counts the links, to tell which came first. */
  readonly clock: number;
}

export const NOTHING: State = { accounts: [], links: {}, sessions: {}, owners: {}, clock: 0 };

/** `number` is the operation's own; `link` and `session` are numbers of earlier ones. */
export type Operation = { readonly number: number } & (
  | {
      readonly name: "register";
      readonly username: string;
      readonly email: string;
      readonly password: string;
    }
  | { readonly name: "finalizeRegistration"; readonly link: number; readonly password: string | null }
  | { readonly name: "resendRegistration" | "requestReset"; readonly email: string }
  | { readonly name: "finalizeReset"; readonly link: number; readonly password: string }
  | { readonly name: "login"; readonly username: string; readonly password: string }
  | {
      readonly name: "refreshSession";
      readonly session: number;
      /** Of the refresh token. */
      readonly token: number;
    }
  | {
      readonly name: "me" | "logout" | "logoutEverywhere";
      readonly session: number;
    }
  | {
      readonly name: "changePassword";
      readonly session: number;
      readonly currentPassword: string;
      readonly newPassword: string;
    }
  | { readonly name: "changeUsername"; readonly session: number; readonly username: string }
  | {
      readonly name: "requestEmailChange";
      readonly session: number;
      readonly newEmail: string;
      readonly password: string;
    }
  | {
      readonly name: "finalizeEmailChange";
      readonly link: number;
      readonly session: number | null;
      readonly password: string | null;
    }
  | { readonly name: "deleteAccount"; readonly session: number; readonly password: string }
  /** By an administrator, of the user of a session, which may have ended. */
  | {
      readonly name: "deactivateUser" | "reactivateUser" | "endUserSessions";
      readonly session: number;
    }
);

/** "OK", what a query answers, or the code of a refusal. */
export type Outcome = string;

/** What an operation answers in a state, and the state after it. */
export function apply(state: State, operation: Operation): { outcome: Outcome; next: State } {
  const turn = new Turn(state, operation.number);
  const outcome = turn.do(operation);
  return { outcome, next: turn.state };
}

/** What `logoutEverywhere` does for whoever was logged in when it began. */
export function withoutSessionsOf(state: State, session: number): State {
  const owner = state.owners[session];
  return keepSessions(state, (_number, { account }) => account !== owner);
}

/** What `logout` does for whoever was logged in when it began. */
export function withoutSession(state: State, session: number): State {
  return keepSessions(state, (number) => number !== session);
}

function keepSessions(state: State, which: (number: number, session: Session) => boolean): State {
  const kept = Object.entries(state.sessions).filter(([number, session]) => which(Number(number), session));
  return { ...state, sessions: Object.fromEntries(kept) };
}

const fold = (name: string) => name.toLowerCase();

class Turn {
  state: State;
  readonly #number: number;

  constructor(state: State, number: number) {
    this.state = state;
    this.#number = number;
  }

  do(operation: Operation): Outcome {
    switch (operation.name) {
      case "register":
        return this.#register(operation.username, operation.email, operation.password);
      case "finalizeRegistration":
        return this.#finalizeRegistration(operation.link, operation.password);
      case "resendRegistration":
        return this.#resend(operation.email);
      case "requestReset":
        return this.#requestReset(operation.email);
      case "finalizeReset":
        return this.#finalizeReset(operation.link, operation.password);
      case "login":
        return this.#login(operation.username, operation.password);
      case "refreshSession":
        return this.#refresh(operation.session, operation.token);
      case "finalizeEmailChange":
        return this.#finalizeEmailChange(operation.link, operation.session, operation.password);
      case "deactivateUser":
      case "reactivateUser":
      case "endUserSessions":
        return this.#administer(operation.name, operation.session);
      default: {
        const user = this.#viewer(operation.session);
        return user ? this.#asUser(user, operation) : "UNAUTHENTICATED";
      }
    }
  }

  #asUser(user: Account, operation: Extract<Operation, { session: number }>): Outcome {
    switch (operation.name) {
      case "me":
        return `OK ${user.username} ${user.email}`;
      case "logout":
        this.#end(operation.session);
        return "OK";
      case "logoutEverywhere":
        this.#endAll(user.id);
        return "OK";
      case "changePassword":
        if (operation.currentPassword !== user.password) return "INVALID_CREDENTIALS";
        this.#endAll(user.id);
        this.#change(user.id, { password: operation.newPassword }, true);
        return this.#open(user.id);
      case "changeUsername":
        return this.#changeUsername(user, operation.username);
      case "requestEmailChange":
        return this.#requestEmailChange(user, operation.newEmail, operation.password);
      case "deleteAccount":
        if (operation.password !== user.password) return "INVALID_CREDENTIALS";
        this.#endAll(user.id);
        this.#change(user.id, { isDeleted: true }, true);
        return "OK";
      default:
        throw new Error(`${operation.name} is not done as a user`);
    }
  }

  #register(username: string, email: string, password: string): Outcome {
    if (this.#isKept(username, null)) return "USERNAME_TAKEN";
    const holders = this.state.accounts.filter((other) => fold(other.email) === fold(email));
    const isNameTaken = this.state.accounts.some((other) => fold(other.username) === fold(username));
    if (isNameTaken || holders.length > 0) {
      const pending = holders.find(({ isActive }) => !isActive);
      if (pending) this.#change(pending.id, { isContested: true });
      return isNameTaken ? "USERNAME_TAKEN" : "EMAIL_TAKEN";
    }
    const account: Account = {
      id: this.#number,
      username,
      email,
      password,
      isActive: false,
      isContested: false,
      isDeactivated: false,
      isDeleted: false,
      version: 1,
      formerUsername: null,
    };
    this.state = { ...this.state, accounts: [...this.state.accounts, account] };
    return this.#mail("registration", account);
  }

  #finalizeRegistration(number: number, password: string | null): Outcome {
    const user = this.#ownerOf(number, "registration");
    if (!user || user.isActive || user.isDeactivated) return "INVALID_TOKEN";
    if (this.#activeWith(user.email, user.id)) return "INVALID_TOKEN";
    if (user.isContested && password === null) return "PASSWORD_REQUIRED";
    const change = { isActive: true, isContested: false, password: password ?? user.password };
    this.#change(user.id, change, true);
    return this.#open(user.id);
  }

  #resend(email: string): Outcome {
    const user = this.#byEmail(email);
    if (!user) return "EMAIL_NOT_FOUND";
    if (user.isDeactivated) return "ACCOUNT_DEACTIVATED";
    return user.isActive ? "ALREADY_ACTIVATED" : this.#mail("registration", user);
  }

  #requestReset(email: string): Outcome {
    const user = this.#byEmail(email);
    if (!user) return "EMAIL_NOT_FOUND";
    if (user.isDeactivated) return "ACCOUNT_DEACTIVATED";
    return user.isActive ? this.#mail("reset", user) : "ACCOUNT_NOT_ACTIVATED";
  }

  #finalizeReset(number: number, password: string): Outcome {
    const user = this.#ownerOf(number, "reset");
    if (!user?.isActive || user.isDeactivated) return "INVALID_TOKEN";
    this.#endAll(user.id);
    this.#change(user.id, { password, isDeleted: false }, true);
    return this.#open(user.id);
  }

  #login(name: string, password: string): Outcome {
    const user = name.includes("@")
      ? this.#byEmail(name)
      : this.state.accounts.find(({ username }) => fold(username) === fold(name));
    if (user?.password !== password) return "INVALID_CREDENTIALS";
    if (user.isDeactivated) return "ACCOUNT_DEACTIVATED";
    if (!user.isActive) return "ACCOUNT_NOT_ACTIVATED";
    if (user.isDeleted) this.#change(user.id, { isDeleted: false });
    return this.#open(user.id);
  }

  #refresh(number: number, token: number): Outcome {
    const session = this.state.sessions[number];
    const user = session && this.#account(session.account);
    if (!user || !isOpen(user)) return "INVALID_TOKEN";
    if (token < session.used) {
      this.#end(number);
      return "INVALID_TOKEN";
    }
    const continued = { ...session, used: token, version: user.version };
    this.state = { ...this.state, sessions: { ...this.state.sessions, [number]: continued } };
    return "OK";
  }

  #changeUsername(user: Account, username: string): Outcome {
    if (this.#isKept(username, user.id)) return "USERNAME_TAKEN";
    const isTaken = this.state.accounts.some(
      (other) => other.id !== user.id && fold(other.username) === fold(username),
    );
    if (isTaken) return "USERNAME_TAKEN";
    let { formerUsername } = user;
    if (formerUsername === fold(username)) formerUsername = null;
    else if (fold(username) !== fold(user.username)) formerUsername ??= fold(user.username);
    this.#change(user.id, { username, formerUsername });
    return "OK";
  }

  #requestEmailChange(user: Account, newEmail: string, password: string): Outcome {
    if (password !== user.password) return "INVALID_CREDENTIALS";
    const isInUse = this.state.accounts.some(
      (other) => other.id !== user.id && fold(other.email) === fold(newEmail),
    );
    if (isInUse || newEmail === user.email) return "EMAIL_TAKEN";
    return this.#mail("email-change", user, { from: user.email, to: newEmail });
  }

  #finalizeEmailChange(number: number, session: number | null, password: string | null): Outcome {
    if (this.state.links[number]?.kind === "email-undo") return this.#undo(number);
    const user = this.#ownerOf(number, "email-change");
    const change = this.state.links[number]?.change;
    if (!user || !change || !isOpen(user) || change.from !== user.email) return "INVALID_TOKEN";
    if (password !== null) {
      if (password !== user.password) return "INVALID_CREDENTIALS";
    } else if (session === null || this.#viewer(session)?.id !== user.id) return "PASSWORD_REQUIRED";
    if (this.#activeWith(change.to, user.id)) return "EMAIL_TAKEN";
    this.#change(user.id, { email: change.to }, true);
    this.#forgetLinks(({ kind, account }) => kind === "email-change" && account === user.id);
    this.#open(user.id);
    return this.#mail("email-undo", this.#account(user.id)!, { from: change.to, to: change.from });
  }

  #undo(number: number): Outcome {
    const { account, change } = this.state.links[number]!;
    const user = this.#account(account)!;
    if (user.isDeactivated || !change) return "INVALID_TOKEN";
    if (this.#activeWith(change.to, user.id)) return "EMAIL_TAKEN";
    this.#change(user.id, { email: change.to, isDeleted: false }, true);
    this.#forgetLinks(
      (link) =>
        link.account === user.id &&
        (link.kind === "email-change" || (link.kind === "email-undo" && link.change!.at >= change.at)),
    );
    this.#endAll(user.id);
    return this.#open(user.id);
  }

  #administer(name: "deactivateUser" | "reactivateUser" | "endUserSessions", session: number): Outcome {
    const id = this.state.owners[session]!;
    if (name === "reactivateUser") this.#change(id, { isDeactivated: false });
    else this.#endAll(id);
    if (name === "deactivateUser") this.#change(id, { isDeactivated: true }, true);
    return "OK";
  }

  /** The user of a link of this kind, while it is good. */
  #ownerOf(number: number, kind: Link["kind"]): Account | undefined {
    const link = this.state.links[number];
    const user = link?.kind === kind ? this.#account(link.account) : undefined;
    return user?.version === link?.version ? user : undefined;
  }

  #viewer(number: number): Account | undefined {
    const session = this.state.sessions[number];
    if (!session) return undefined;
    const user = this.#account(session.account)!;
    return user.version === session.version && isOpen(user) ? user : undefined;
  }

  /** Whether a username was given up by somebody else. */
  #isKept(username: string, taker: number | null): boolean {
    return this.state.accounts.some(
      ({ id, formerUsername }) => id !== taker && formerUsername === fold(username),
    );
  }

  #account(id: number): Account | undefined {
    return this.state.accounts.find((account) => account.id === id);
  }

  /** The confirmed one before one that waits. */
  #byEmail(email: string): Account | undefined {
    const holders = this.state.accounts.filter((account) => fold(account.email) === fold(email));
    return holders.find(({ isActive }) => isActive) ?? holders[0];
  }

  #activeWith(email: string, butFor: number): boolean {
    return this.state.accounts.some(
      (other) => other.id !== butFor && other.isActive && fold(other.email) === fold(email),
    );
  }

  #change(id: number, values: Partial<Account>, endsTokens = false): void {
    const accounts = this.state.accounts.map((account) =>
      account.id === id
        ? { ...account, ...values, version: account.version + (endsTokens ? 1 : 0) }
        : account,
    );
    this.state = { ...this.state, accounts };
  }

  #open(account: number): Outcome {
    const { version } = this.#account(account)!;
    this.state = {
      ...this.state,
      sessions: { ...this.state.sessions, [this.#number]: { account, version, used: 0 } },
      owners: { ...this.state.owners, [this.#number]: account },
    };
    return "OK";
  }

  #end(number: number): void {
    this.state = withoutSession(this.state, number);
  }

  #endAll(account: number): void {
    this.state = keepSessions(this.state, (_number, session) => session.account !== account);
  }

  #mail(kind: Link["kind"], user: Account, change?: { from: string; to: string }): Outcome {
    const link: Link = {
      kind,
      account: user.id,
      version: user.version,
      ...(change && { change: { ...change, at: this.state.clock } }),
    };
    const clock = this.state.clock + 1;
    this.state = { ...this.state, clock, links: { ...this.state.links, [this.#number]: link } };
    return "OK";
  }

  #forgetLinks(which: (link: Link) => boolean): void {
    const kept = Object.entries(this.state.links).filter(([, link]) => !which(link));
    this.state = { ...this.state, links: Object.fromEntries(kept) };
  }
}

const isOpen = (user: Account) => user.isActive && !user.isDeactivated && !user.isDeleted;
