// The contents of the mailbox, kept up to date while the page is visible.
import { Store } from "../store.ts";

/** An email as /mailbox/messages returns it. */
export interface Mail {
  readonly id: string;
  readonly to: string;
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly date: string;
}

export interface MailboxState {
  /** The emails, newest first; null until the server has answered. */
  readonly mails: readonly Mail[] | null;
  /** Whether the last request failed. */
  readonly hasFailed: boolean;
}

export const mailbox = new Store<MailboxState>({ mails: null, hasFailed: false });

/** The ID alone is not enough: in a new folder, the IDs start again. */
export const keyOf = ({ id, date }: Mail) => `${id} ${date}`;

let news: EventSource | undefined;
let lastAsked = 0;
let lastAnswered = 0;

export function followMailbox(): void {
  document.addEventListener("visibilitychange", listen);
  listen();
}

/** A hidden page does not listen: an event stream holds one of the six connections that a browser opens to a server. */
function listen(): void {
  news?.close();
  if (document.hidden) return;
  news = new EventSource("/mailbox/events");
  // "open" also fires when the connection is back after an interruption.
  for (const event of ["open", "change"]) news.addEventListener(event, () => void load());
}

async function load(): Promise<void> {
  const number = ++lastAsked;
  const mails = await ask("/mailbox/messages")
    .then((response) => response.json() as Promise<Mail[]>)
    .catch(() => null);
  if (number < lastAnswered) return; // a later request was answered first, with newer emails
  lastAnswered = number;
  if (mails) mailbox.set({ mails, hasFailed: false });
  else fail();
}

/** The list is updated by the event that follows. */
export function clearMailbox(): void {
  ask("/mailbox/messages", { method: "DELETE" }).catch(fail);
}

export async function loadSource(id: string): Promise<string> {
  const response = await ask(`/mailbox/messages/${id}/source`);
  return response.text();
}

async function ask(path: string, options?: RequestInit): Promise<Response> {
  const response = await fetch(path, options);
  if (!response.ok) throw new Error(`${response.status} at ${path}`);
  return response;
}

function fail(): void {
  mailbox.set({ ...mailbox.get(), hasFailed: true });
}
