// A sentence about what was just done: shown on the next page, gone on the one after.
import { Store } from "./store.ts";

export const announcement = new Store<string | null>(null);
let coming: string | null = null;

export function announce(sentence: string): void {
  coming = sentence;
}

addEventListener("hashchange", () => {
  announcement.set(coming);
  coming = null;
});
