// The page of a front end on another origin that sent people here to log in (`/#/login?returnTo=https://app.example.com/after`), and
// the way back to it. Only origins that the server's CORS_ORIGINS names: any other would let a stranger's link lead people who trust
// this site to a page that looks like it. Nothing is added to the URL: the page there gets its token by refreshSession.
import { announcement } from "./announcement.ts";
import { serverSettings } from "./server-settings.ts";
import { attempt } from "./storage.ts";
import { Store } from "./store.ts";

export interface ReturnTo {
  readonly url: string;
  /** Whether the browser is on its way there. */
  readonly isLeaving: boolean;
}

/** In sessionStorage: belongs to this tab, and outlives a reload. */
const OF_THIS_TAB = "return-to";
/** In localStorage: the link of an email opens in a new tab. */
const AFTER_MAIL = "return-to-after-mail";
/** A confirmation link is good for as long, unless the server is set otherwise. */
const AFTER_MAIL_MS = 24 * 60 * 60 * 1000;

/** To who has opened an email on another device than the one where they began, so that nobody here knows where that was. */
export const GO_BACK = serverSettings.corsOrigins.length > 0 ? " You can go back to where you began." : "";

/** Null if people stay here. */
export const returnTo = new Store<ReturnTo | null>(
  waiting(attempt(() => sessionStorage.getItem(OF_THIS_TAB))),
);

/** @param url of the address, whoever has written it */
export function takeReturnTo(url: string): void {
  const taken = waiting(url);
  setReturnTo(taken);
  if (taken === null)
    announcement.set({
      sentence: "We can't take you back to the page that sent you here, because it isn't known to us.",
      isTrouble: true,
    });
}

/** For the tab in which the link of the email that was just asked for will open. */
export function keepReturnToForMail(): void {
  const url = returnTo.get()?.url;
  if (url === undefined) return;
  const kept = { url, until: Date.now() + AFTER_MAIL_MS };
  attempt(() => localStorage.setItem(AFTER_MAIL, JSON.stringify(kept)));
}

/** In the tab that an email's link has opened. */
export function findReturnToOfMail(): void {
  if (returnTo.get() !== null) return;
  const text = attempt(() => localStorage.getItem(AFTER_MAIL));
  const kept = attempt(() => JSON.parse(text ?? "null") as { url: string; until: number } | null);
  if (kept && kept.until > Date.now()) setReturnTo(waiting(kept.url));
}

/** Leaves for the page that sent people here. False if there is none. */
export function goBack(): boolean {
  const url = returnTo.get()?.url;
  if (url === undefined) return false;
  forgetReturnTo();
  returnTo.set({ url, isLeaving: true });
  location.replace(url); // going back from there leads to where the person came from, not here
  return true;
}

/** Once it is used. */
export function forgetReturnTo(): void {
  setReturnTo(null);
  attempt(() => localStorage.removeItem(AFTER_MAIL));
}

function setReturnTo(value: ReturnTo | null): void {
  returnTo.set(value);
  attempt(() =>
    value === null ? sessionStorage.removeItem(OF_THIS_TAB) : sessionStorage.setItem(OF_THIS_TAB, value.url),
  );
}

function waiting(url: string | null): ReturnTo | null {
  return url !== null && isAllowed(url) ? { url, isLeaving: false } : null;
}

/**
 * The text must begin with the very letters of an allowed origin, and the browser must read it so, too: what browsers forgive
 * (`\`, white space, letters of other alphabets) is no way around.
 */
function isAllowed(url: string): boolean {
  return (
    /^[\x21-\x5b\x5d-\x7e]+$/.test(url) &&
    serverSettings.corsOrigins.some(
      (origin) =>
        (url === origin || ["/", "?", "#"].includes(url.charAt(origin.length))) &&
        url.startsWith(origin) &&
        URL.canParse(url) &&
        new URL(url).origin === origin,
    )
  );
}
