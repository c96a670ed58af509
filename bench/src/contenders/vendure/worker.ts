// Sends the mails, in a process beside those that serve requests, as Vendure's documentation advises.
import { bootstrapWorker } from "@vendure/core";

import { config } from "./config.ts";

process.once("disconnect", () => process.exit());
const worker = await bootstrapWorker(config);
await worker.startJobQueue();
process.send?.("started");
