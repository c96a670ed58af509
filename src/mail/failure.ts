// Why an email was not sent, in the words of the queue: what the failure says about this email, and about all others.

/**
 * - `outage`: no email can be sent now. The SMTP server cannot be reached, fails at its greeting or at TLS, or refuses the login or the sender
 * - `refused`: the SMTP server refuses this email for good (5xx)
 * - `deferred`: not now (4xx), or a fault that may pass
 * - `slow`: the time was up before the SMTP server had the email
 * - `unsure`: the SMTP server had the email, and nobody knows what it did with it
 * - `stopped`: this server stops, and the SMTP server did not have the email yet
 */
export type FailureKind = "outage" | "refused" | "deferred" | "slow" | "unsure" | "stopped";

export class MailFailure extends Error {
  override readonly name = "MailFailure";
  readonly kind: FailureKind;
  /** Of an outage: whether the login was refused, which must not be repeated often, or a provider may lock the account. */
  readonly isLogin: boolean;
  /** Whether the connection ended before the SMTP server said anything about the email. */
  readonly isCut: boolean;
  /** What the SMTP server said, which may quote the email: for whoever wrote that, never for the log or the queue. */
  readonly reply: string | undefined;

  /** @param message contains nothing from the email, not even its address */
  constructor(
    kind: FailureKind,
    message: string,
    {
      isLogin = false,
      isCut = false,
      reply,
    }: { isLogin?: boolean; isCut?: boolean; reply?: string | undefined } = {},
  ) {
    super(message);
    this.kind = kind;
    this.isLogin = isLogin;
    this.isCut = isCut;
    this.reply = reply;
  }
}
