// Makes the tables, and in them the channel, roles and administrator without which Vendure does not start.
import { bootstrap } from "@vendure/core";

import { setupConfig } from "./config.ts";

const app = await bootstrap(setupConfig);
await app.close();
process.exit();
