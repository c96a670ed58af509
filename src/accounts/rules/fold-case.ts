// Usernames and addresses are the same without regard to case, by ASCII rules: the rule of the generated
// columns username_key and email_key, for look-ups from this side.

/** Lower case for A to Z alone, so that no letter of another alphabet ever becomes an ASCII one. */
export function foldCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
