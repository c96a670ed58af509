// What the queue holds of a mail: whom and what it is about, never an email address, a link or a token.

export interface MailJob {
  /** The name of an entry of the catalogue; of a newer server's, perhaps, while a deployment is under way. */
  readonly mail: string;
  readonly userId: string;
  readonly credentialVersion: number;
  /** Of a mail about a change of the email address. */
  readonly emailChangeId?: string;
  /** The name of the application of the product (APPLICATIONS) in which it was asked for. */
  readonly application?: string | undefined;
  /** ISO 8601. */
  readonly requestedAt: string;
}
