// Sends the emails in a process of its own, as Vendure's documentation recommends.
import { bootstrapWorker } from "@vendure/core";

import { config } from "./config.ts";

process.once("disconnect", () => process.exit());
const worker = await bootstrapWorker(config);
await worker.startJobQueue();
process.send?.("started");
