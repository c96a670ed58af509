// Takes mails off the queue: compose, render, send. Throwing returns the mail to the queue.
import { loggableError, type Logger } from "../log.ts";
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
    try {
      const mail = await compose(job);
      if (!mail) {
        log.info({ mailId: id }, "a mail was dropped: it has been overtaken");
        return;
      }
      await transport.send(id, renderer.render(mail));
      log.info({ mailId: id, mail: mail.template, attempt }, `mail sent: ${mail.template}`);
    } catch (error) {
      // pg-boss keeps what is thrown in the job's row, so no cause and no row of another table goes along.
      const reason = String(loggableError(error)["message"]);
      log.warn({ mailId: id, attempt }, `a mail will be sent again later: ${reason}`);
      // eslint-disable-next-line preserve-caught-error
      throw new Error(reason);
    }
  };
}
