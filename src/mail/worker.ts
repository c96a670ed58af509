// Composes, renders and sends each email of the queue. An error returns the email to the queue.
import { loggableError, type Logger } from "../log.ts";
import type { QueuedMail } from "./queue.ts";
import type { MailRenderer, MailToRender } from "./renderer.ts";
import type { MailTransport } from "./transport.ts";

export interface MailWorkerParts<Job> {
  /** The email to send now, or null if it is out of date. */
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
        log.info({ mailId: id }, "email dropped: it is out of date");
        return;
      }
      await transport.send(id, renderer.render(mail));
      log.info({ mailId: id, mail: mail.template, attempt }, `email sent: ${mail.template}`);
    } catch (error) {
      // pg-boss stores the error in the row of the job, so it must have no cause and quote no row of another table.
      const reason = String(loggableError(error)["message"]);
      log.warn({ mailId: id, attempt }, `email not sent, will try again: ${reason}`);
      // eslint-disable-next-line preserve-caught-error
      throw new Error(reason);
    }
  };
}
