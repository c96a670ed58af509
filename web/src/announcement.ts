// A sentence about what was just done: shown on the next page, gone on the one after.
import { Store } from "./store.ts";

export interface Announcement {
  readonly sentence: string;
  /** Whether it is no success. */
  readonly isTrouble: boolean;
}

export const announcement = new Store<Announcement | null>(null);
let coming: Announcement | null = null;

/** On the next page. */
export function announce(sentence: string, isTrouble = false): void {
  coming = { sentence, isTrouble };
}

/** On this page. The button that had the focus may be gone, so the heading gets it. */
export function announceHere(sentence: string): void {
  announcement.set({ sentence, isTrouble: false });
  document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
}

addEventListener("hashchange", () => {
  announcement.set(coming);
  coming = null;
});
