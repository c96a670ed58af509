// Why an email was not sent, in plain words. The server's sentence has the reply codes of the SMTP server (RFC 5321, RFC 3463), of
// which the most specific that is known decides.

const REASONS: readonly (readonly [RegExp, string])[] = [
  [
    /sent since the backup/,
    "Held because the database was restored. It may have been sent since the backup.",
  ],
  [/refuses the login/, "The mail server refuses our login. Check its username and password."],
  [
    /answer takes long|has the email/,
    "The mail server took it but never said what became of it. It may have arrived.",
  ],
  [/\b[45]\.1\.[1-36]\b|, the address$/, "There's no mailbox with this address."],
  [/\b[45]\.2\.1\b/, "The mailbox is turned off."],
  [/\b[45]\.2\.2\b|\b[45]52\b/, "The mailbox is full."],
  [/\b[45]\.1\.[78]\b|MAIL FROM/, "The mail server doesn't accept our sender address."],
  [/\b[45]\.7\.\d/, "The mail server blocked it, as spam or by a rule of its own."],
  [/RCPT TO 5\d\d\b/, "The mail server doesn't accept this recipient."],
  [/ 5\d\d\b/, "The mail server refused it."],
  [/ 4\d\d\b/, "The mail server put it off."],
  [/ took longer than /, "The mail server is too slow."],
  [/ fails: /, "We can't reach the mail server."],
];

/** @returns null if there is no simpler way to say it */
export function mailErrorInWords(lastError: string): string | null {
  return REASONS.find(([pattern]) => pattern.test(lastError))?.[1] ?? null;
}
