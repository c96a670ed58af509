// What the mailbox holds, brought up to date as long as somebody looks at the page.
import { Store } from "../store.ts";

/** As /mailbox/messages has it. */
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
  /** Newest first; null until the server has answered. */
  readonly mails: readonly Mail[] | null;
  /** Whether the server refused what was asked for last. */
  readonly hasFailed: boolean;
}

export const mailbox = new Store<MailboxState>({ mails: null, hasFailed: false });

/** The id alone would not do: a mailbox whose folder is new counts from 1 again. */
export const keyOf = ({ id, date }: Mail) => `${id} ${date}`;

let news: EventSource | undefined;
let lastAsked = 0;
let lastAnswered = 0;

export function followMailbox(): void {
  document.addEventListener("visibilitychange", listen);
  listen();
}

/** A hidden page does not listen: a browser has six connections for all pages of a server, and this holds one. */
function listen(): void {
  news?.close();
  if (document.hidden) return;
  news = new EventSource("/mailbox/events");
  // "open" also comes when the person or the server is back.
  for (const event of ["open", "change"]) news.addEventListener(event, () => void load());
}

async function load(): Promise<void> {
  const number = ++lastAsked;
  const mails = await ask("/mailbox/messages")
    .then((response) => response.json() as Promise<Mail[]>)
    .catch(() => null);
  if (number < lastAnswered) return; // a later question was answered earlier, with newer mails
  lastAnswered = number;
  if (mails) mailbox.set({ mails, hasFailed: false });
  else fail();
}

/** The list follows by the news of it. */
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
