// The browser and the operating system of a client, read from its User-Agent header.
import Bowser from "bowser";

/** A name for its owner to recognize. A header without a browser or system is shown as it is. */
export function deviceOf(userAgent: string | null | undefined): string | null {
  if (userAgent == null || userAgent === "") return null;
  const { browser, os } = Bowser.parse(userAgent);
  return [browser.name, os.name].filter(Boolean).join(" on ") || userAgent;
}

/** No browser's header is longer, and matching patterns takes longer the longer a text is. */
const HEADER_MAX_LENGTH = 512;
const BROWSERS = new Set(Object.values(Bowser.BROWSER_MAP));
const SYSTEMS = new Set(Object.values(Bowser.OS_MAP));

/**
 * For strangers to read, such as `Firefox, Linux`, in any language: only names of well-known browsers and systems, because the
 * header may hold anything (of an unknown browser, Bowser takes over its text). Null if it holds none.
 */
export function knownDeviceOf(userAgent: string | null): string | null {
  if (userAgent === null || userAgent === "") return null;
  const { browser, os } = Bowser.parse(userAgent.slice(0, HEADER_MAX_LENGTH));
  const known = [
    ...(BROWSERS.has(browser.name ?? "") ? [browser.name] : []),
    ...(SYSTEMS.has(os.name ?? "") ? [os.name] : []),
  ];
  return known.join(", ") || null;
}
