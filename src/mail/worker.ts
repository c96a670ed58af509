// Takes mails off the queue: compose, render, send. Throwing returns the mail to the queue.
import type { Logger } from "../log.ts";
import type { QueuedMail } from "./queue.ts";
import type { MailRenderer, MailToRender } from "./renderer.ts";
import type { MailTransport } from "./transport.ts";

export interface MailWorkerParts<Job> {
  /** The mail to send now, or null if the job has been overtaken. */
  readonly compose: (job: Job) => Promise<MailToRender | null>;
  readonly renderer: MailRenderer;
  readonly transport: MailTransport;
  readonly log: Logger;
}

/** The handler for MailQueue.work. */
export function mailWorker<Job>({ compose, renderer, transport, log }: MailWorkerParts<Job>) {
  return async ({ id, attempt, job }: QueuedMail<Job>): Promise<void> => {
    const mail = await compose(job);
    if (!mail) {
      log.info({ mailId: id }, "a mail was dropped: it has been overtaken");
      return;
    }
    try {
      await transport.send(id, renderer.render(mail));
    } catch (error) {
      log.warn(
        { mailId: id, mail: mail.template, attempt },
        `a mail will be sent again later: ${(error as Error).message}`,
      );
      throw error;
    }
    log.info({ mailId: id, mail: mail.template, attempt }, `mail sent: ${mail.template}`);
  };
}
