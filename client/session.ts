// Keeps somebody logged in to the account server: holds the access token in memory, refreshes it once for all tabs and all
// requests, puts it on requests, and tells when the session has ended or has become another user's.

/** What `login`, `finalizeRegistration` and the other mutations that log in return, with at least these fields selected. */
export interface AuthPayload {
  readonly accessToken: string;
  readonly expiresAt: string | Date;
  readonly user: { readonly id: string };
  /** Needed with a storage, and null without one, when it is a cookie. */
  readonly refreshToken?: string | null;
}

type MaybePromise<Value> = Value | Promise<Value>;

/** Where the refresh token is kept. `localStorage` and React Native's AsyncStorage can be passed as they are. */
export interface TokenStorage {
  /** Null if there is no such item. */
  readonly getItem: (name: string) => MaybePromise<string | null>;
  readonly setItem: (name: string, value: string) => MaybePromise<unknown>;
  readonly removeItem: (name: string) => MaybePromise<unknown>;
}

export interface SessionOptions {
  /** The server's GraphQL endpoint, such as `https://accounts.example.com/graphql`; in a browser also `/graphql`. */
  readonly url: string;
  /**
   * Where the refresh token is kept. If omitted, it is a cookie in browsers, which no script can read, and stays in memory
   * everywhere else.
   */
  readonly storage?: TokenStorage;
}

/** What is known about the session. A new object at every change, so that it can be compared by identity. */
export interface SessionState {
  /** The ID of the user who is logged in. Null if nobody is. */
  readonly userId: string | null;
  /**
   * What ended the session that was here before:
   * - `logout`: somebody logged out, here or in another tab;
   * - `server`: it expired or was revoked, for example by a new password;
   * - `other-user`: another user logged in with this browser, and `userId` is that user's.
   *
   * Null if none has ended since the page was opened, or somebody has logged in here since.
   */
  readonly endedBy: "logout" | "server" | "other-user" | null;
}

/** A session with the account server. Its functions need no `this`, so they can be passed on as they are. */
export interface Session {
  /** The server's GraphQL endpoint. */
  readonly url: string;
  readonly state: SessionState;
  /** Calls the listener at every change of the state. @returns a function that ends this */
  readonly subscribe: (listener: (state: SessionState) => void) => () => void;
  /**
   * Takes what a mutation that logs in has returned. The state has changed when this returns, and the refresh token is kept
   * when the promise resolves.
   * @throws {TypeError} if the payload has no refresh token although it is needed, or has one that belongs in a cookie
   */
  readonly begin: (payload: AuthPayload) => Promise<void>;
  /**
   * Logs in again after a reload. Sends no request if nobody was logged in.
   * @throws if the server does not answer, so that it is not known whether somebody is logged in
   */
  readonly restore: () => Promise<SessionState>;
  /**
   * Gets a new access token now, if there is a session; the other functions do so by themselves. A session that the cookie of
   * this browser continues need not have begun on this page.
   * @throws if the server does not answer; the session then goes on
   */
  readonly refresh: () => Promise<SessionState>;
  /** Logs out. @throws if the server does not answer; the session then goes on */
  readonly end: () => Promise<void>;
  /** Forgets a session that has ended at the server: after `logoutEverywhere`, `deleteAccount` or your own `logout`. */
  readonly forget: () => Promise<void>;
  /**
   * An access token that is not about to expire, to call other services with. Null if nobody is logged in.
   * @throws if the server does not answer
   */
  readonly accessToken: () => Promise<string | null>;
  /**
   * As `fetch`, for requests to the server's endpoint alone: with the access token, which it refreshes before it expires. If
   * the server refuses it all the same, it refreshes it and sends the request again, once. A request that has an Authorization
   * header is sent as it is.
   * @throws {SessionUserChangedError} instead of sending a request as another user than the one who was logged in when it began
   * @throws {TypeError} for another URL, or as `fetch`
   */
  readonly fetch: typeof fetch;
  /**
   * The same `fetch`, but for one user, for clients that send requests again by themselves, or later.
   * @param userId null for whoever is logged in when the request is sent
   */
  readonly fetchAs: (userId: string | null) => typeof fetch;
}

/** The request was not sent, or not sent again, because another user is logged in now. */
export class SessionUserChangedError extends Error {
  override readonly name = "SessionUserChangedError";
  /** The ID of the user who is logged in now. */
  readonly userId: string;

  constructor(userId: string) {
    super(
      "Another user has logged in with this browser, so nothing was done. Show who is logged in, and ask again.",
    );
    this.userId = userId;
  }
}

interface AccessToken {
  readonly value: string;
  readonly userId: string;
  /** By this device's clock, in milliseconds. */
  readonly refreshAt: number;
}

/** From tab to tab; the tabs of an origin are one another's equals, so a token is as secret there as in this one's memory. */
interface Message {
  /** Null if the session has ended. */
  readonly token: AccessToken | null;
  readonly userId: string | null;
  readonly endedBy: SessionState["endedBy"];
  /** What the storage holds now. */
  readonly kept: string | null;
}

/** A request that can be sent twice: as it came, because the copy of a Request has a body that browsers cannot send again. */
interface Call {
  readonly input: Parameters<typeof fetch>[0];
  readonly init: RequestInit;
}

interface Answer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { message: string; extensions?: { code?: string; field?: string } }[];
}

/** A token is refreshed this long before it expires, which is more than a request takes on its way. */
const MARGIN_MS = 10_000;
/** A refresh without an answer keeps the other tabs waiting no longer. */
const REFRESH_WITHIN_MS = 20_000;
/** For the word of another tab, which has just refreshed. */
const WORD_WITHIN_MS = 1_000;

/** What a session sends by itself, for lists of trusted documents. The account server lets both through without a list. */
export const SESSION_DOCUMENTS = {
  RefreshSession:
    "mutation RefreshSession($refreshToken: String) { refreshSession(refreshToken: $refreshToken) { accessToken expiresAt refreshToken user { id } } }",
  Logout: "mutation Logout { logout { message } }",
} as const;

/** Makes a session, which nobody is logged in to until `begin` or `restore`. Make one for a page, or for a user of a native app. */
export function createSession({ url, storage }: SessionOptions): Session {
  const name = `account-session ${url}`;
  // Elsewhere, one process may serve many users, who must not meet in a channel or wait for one another.
  const isBrowser = "document" in globalThis;
  const usesCookie = isBrowser && storage === undefined;
  const store = storage ?? (isBrowser ? MARK : memory());
  const channel = isBrowser ? new BroadcastChannel(name) : null;
  const listeners = new Set<(state: SessionState) => void>();
  let state: SessionState = { userId: null, endedBy: null };
  let token: AccessToken | null = null;
  let refreshing: Promise<void> | undefined;
  let heard: (() => void) | undefined;
  /** By how many milliseconds the server's clock is ahead of this device's. NaN as long as that is not known. */
  let serverAhead = NaN;

  function enter(next: AccessToken | null, endedBy: SessionState["endedBy"]): void {
    token = next;
    const userId = next?.userId ?? null;
    if (userId === state.userId && endedBy === state.endedBy) return;
    state = { userId, endedBy };
    for (const listener of listeners) listener(state);
  }

  /** Takes a token that did not come by a login here: the cookie belongs to the browser, the token to this tab. */
  function replace(next: AccessToken): void {
    const { userId, endedBy } = state;
    if (userId === next.userId) enter(next, endedBy);
    else enter(next, userId === null ? null : "other-user");
  }

  async function keep(next: AccessToken, kept: string): Promise<void> {
    await store.setItem(name, kept);
    tell({ token: next, userId: next.userId, endedBy: null, kept });
  }

  async function leave(endedBy: SessionState["endedBy"]): Promise<void> {
    const { userId } = state;
    enter(null, endedBy);
    await store.removeItem(name);
    tell({ token: null, userId, endedBy, kept: null });
  }

  const tell = (message: Message) => channel?.postMessage(message);
  channel?.addEventListener("message", ({ data }: MessageEvent<Message>) => void hear(data));

  async function hear({ token: next, userId, endedBy, kept }: Message): Promise<void> {
    // A storage may be this tab's own, as sessionStorage is. The cookie is everybody's.
    if (!usesCookie && (await store.getItem(name)) !== kept) return;
    if (next) replace(next);
    else if (userId !== null && userId === state.userId) enter(null, endedBy);
    heard?.();
  }

  function tokenOf({ accessToken, expiresAt, user }: AuthPayload): AccessToken {
    // By what is left of its life on the server's clock, which every answer tells, because this device's may be wrong. Without that
    // (a page of another origin may not read the header), or where the two contradict each other, the server's refusal decides.
    // The token would tell its own life, but it is the server's, and need not stay readable.
    const left = new Date(expiresAt).getTime() - (Date.now() + serverAhead) - MARGIN_MS;
    return { value: accessToken, userId: user.id, refreshAt: left > 0 ? Date.now() + left : Infinity };
  }

  /** @throws {TypeError} if the refresh token did not come in the way that was asked for */
  function whatToKeep({ refreshToken }: AuthPayload): string {
    if (usesCookie) {
      if (typeof refreshToken !== "string") return "cookie";
      throw new TypeError(
        "The refresh token belongs in a cookie: send the operation that logs in by session.fetch.",
      );
    }
    if (typeof refreshToken === "string") return refreshToken;
    throw new TypeError("Select refreshToken in the operation that logs in: it is kept in the storage.");
  }

  async function send({ input, init }: Call, bearer?: AccessToken | null): Promise<Response> {
    const headers = headersOf({ input, init });
    if (usesCookie) headers.set("session-transport", "cookie");
    if (bearer) headers.set("authorization", `Bearer ${bearer.value}`);
    const response = await fetch(input instanceof Request ? input.clone() : input, {
      ...init,
      ...(usesCookie && { credentials: "include" }),
      headers,
    });
    const date = Date.parse(response.headers.get("date") ?? "");
    if (!Number.isNaN(date)) serverAhead = date - Date.now();
    return response;
  }

  const operation = (query: string, variables = {}): RequestInit => ({
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });

  /** Whether a request has to wait for a refresh, also for one that is under way. */
  const isDue = () => refreshing !== undefined || (token !== null && Date.now() >= token.refreshAt);

  /** One at a time for all requests of this tab, and of all tabs. */
  function exchange(): Promise<void> {
    refreshing ??= exchangeAlone().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  async function exchangeAlone(): Promise<void> {
    const former = token;
    await alone(name, isBrowser, async (hasWaited) => {
      // Whoever had the lock has told the new token, but the word may come later than the lock.
      if (hasWaited && token === former) await word();
      if (token !== former) return;
      const kept = await store.getItem(name);
      if (kept === null && !usesCookie) {
        if (state.userId !== null) await leave("logout");
        return;
      }
      const { data, errors = [] } = await askForToken(usesCookie ? null : kept);
      if (token !== former) return; // somebody logged in or out meanwhile
      const payload = data?.["refreshSession"] as AuthPayload | null | undefined;
      if (payload) {
        const next = tokenOf(payload);
        const toKeep = whatToKeep(payload);
        replace(next);
        await keep(next, toKeep);
      } else if (
        errors.some(({ extensions }) => /^(INVALID_TOKEN|BAD_USER_INPUT)$/.test(extensions?.code ?? ""))
      ) {
        await leave(state.userId === null && kept === null ? state.endedBy : "server");
      } else {
        throw new Error(
          `The session could not be refreshed: ${errors[0]?.message ?? "the answer is no GraphQL."}`,
        );
      }
    });
  }

  async function askForToken(refreshToken: string | null): Promise<Answer> {
    const timeout = new AbortController();
    const timer = setTimeout(
      () => timeout.abort(new Error("The server did not answer in time.")),
      REFRESH_WITHIN_MS,
    );
    try {
      const init = {
        ...operation(SESSION_DOCUMENTS.RefreshSession, { refreshToken }),
        signal: timeout.signal,
      };
      return await answerOf(await send({ input: url, init }));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves when another tab has told something, at the latest after WORD_WITHIN_MS. */
  function word(): Promise<void> {
    return new Promise((resolve) => {
      heard = resolve;
      setTimeout(resolve, WORD_WITHIN_MS);
    });
  }

  /** @throws {SessionUserChangedError} if `userId` was logged in and another user is now */
  function demand(userId: string | null): void {
    if (userId !== null && state.userId !== null && state.userId !== userId) {
      throw new SessionUserChangedError(state.userId);
    }
  }

  async function fetchAs(
    userId: string | null,
    input: Call["input"],
    init: RequestInit = {},
  ): Promise<Response> {
    const target = new Request(input instanceof Request ? input.url : input).url;
    if (!target.startsWith(new Request(url).url)) {
      throw new TypeError(
        `session.fetch sends the access token to ${url} alone, not to ${target}. Take session.accessToken for other services.`,
      );
    }
    const call = { input, init };
    if (headersOf(call).has("authorization")) return send(call);
    // If it fails, the token may still be good, and this request will tell.
    if (isDue()) await exchange().catch(() => undefined);
    demand(userId);
    const used = token;
    const response = await send(call, used);
    if (!used || !(await isRefused(response))) return response;
    if (token === used) await exchange();
    demand(used.userId);
    return token ? send(call, token) : response;
  }

  return {
    url,
    get state() {
      return state;
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    begin: async (payload) => {
      const next = tokenOf(payload);
      const toKeep = whatToKeep(payload);
      enter(next, null);
      await keep(next, toKeep);
    },
    restore: async () => {
      if (token === null && (await store.getItem(name)) !== null) await exchange();
      return state;
    },
    refresh: async () => {
      await exchange();
      return state;
    },
    end: async () => {
      if (state.userId === null) return;
      const { errors = [] } = await answerOf(
        await fetchAs(state.userId, url, operation(SESSION_DOCUMENTS.Logout)),
      );
      const [error] = errors.filter(({ extensions }) => extensions?.code !== "UNAUTHENTICATED");
      if (error) throw new Error(`Logging out failed: ${error.message}`);
      await leave("logout");
    },
    forget: () => leave("logout"),
    accessToken: async () => {
      if (isDue()) await exchange();
      return token?.value ?? null;
    },
    fetch: (input, init) => fetchAs(state.userId, input, init),
    fetchAs: (userId) => (input, init) => fetchAs(userId, input, init),
  };
}

const headersOf = ({ input, init }: Call) =>
  new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));

/** @throws if it is no answer of GraphQL, such as that of a proxy without a server */
async function answerOf(response: Response): Promise<Answer> {
  if (!isJson(response))
    throw new Error(`The server did not answer: ${response.status} ${response.statusText}`);
  return (await response.json()) as Answer;
}

const isJson = (response: Response) => response.headers.get("content-type")?.includes("json") ?? false;

/** Whether the server did not take the token, and nothing was done that would be done twice. */
async function isRefused(response: Response): Promise<boolean> {
  if (!isJson(response)) return false;
  const text = await response.clone().text();
  if (!/UNAUTHENTICATED|PASSWORD_REQUIRED/.test(text)) return false;
  const { data, errors = [] } = JSON.parse(text) as Answer;
  return (
    Object.values(data ?? {}).every((field) => field === null) &&
    errors.some(
      ({ extensions }) =>
        extensions?.code === "UNAUTHENTICATED" ||
        // Of a mailed link: whoever is logged in needs no password, and the server takes an expired token for none.
        (extensions?.code === "PASSWORD_REQUIRED" && extensions.field === "password"),
    )
  );
}

/**
 * Does something while no other tab does it: a refresh that was slow would otherwise bring its token after another tab has used the
 * successor, which ends the session. Over plain http, browsers have locks on localhost alone.
 */
async function alone(
  name: string,
  isBrowser: boolean,
  act: (hasWaited: boolean) => Promise<void>,
): Promise<void> {
  if (!isBrowser || !("locks" in navigator)) return act(false);
  const isDone = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock) await act(false);
    return lock !== null;
  });
  if (!isDone) await navigator.locks.request(name, () => act(true));
}

/**
 * With a cookie, which scripts cannot see: notes in localStorage that there may be a session to restore. It does not say whose, and
 * grants nothing. Browsers throw if storage is blocked; the session then lasts as long as the page.
 */
const MARK: TokenStorage = {
  getItem: (name) => attempt(() => localStorage.getItem(name)),
  setItem: (name, value) => attempt(() => localStorage.setItem(name, value)),
  removeItem: (name) => attempt(() => localStorage.removeItem(name)),
};

function attempt<Result>(access: () => Result): Result | null {
  try {
    return access();
  } catch {
    return null;
  }
}

function memory(): TokenStorage {
  const items = new Map<string, string>();
  return {
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => items.set(name, value),
    removeItem: (name) => items.delete(name),
  };
}
