// Creates the tables with the channel, roles and administrator that Vendure needs to start.
import { bootstrap } from "@vendure/core";

import { setupConfig } from "./config.ts";

const app = await bootstrap(setupConfig);
await app.close();
process.exit();
