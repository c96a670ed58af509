// The token of a link from an email. It is in the URL fragment, which browsers never send to a server (address.ts). Opening the link
// does not use the token, since mail scanners open links too; pressing the page's button does.
import { useLocation } from "wouter";

import { Store, useStore } from "./store.ts";

interface MailedLink {
  /** The page that the link is for. */
  readonly path: string;
  readonly token: string;
}

const mailedLink = new Store<MailedLink | null>(null);

/** The token of the link that opened this page, or null. */
export function useMailedToken(): string | null {
  const [path] = useLocation();
  const link = useStore(mailedLink);
  return link?.path === path ? link.token : null;
}

/** Of the link that was opened last. */
export function takeMailedToken(path: string, token: string): void {
  mailedLink.set({ path, token });
}

/** Forgets a used token, unless a newer link has been opened since. */
export function forgetMailedToken(token: string): void {
  if (mailedLink.get()?.token === token) mailedLink.set(null);
}
