// Configures the mikro-orm command (CONTRIBUTING.md) with the server's own options and its DATABASE_URL.
import { loadConfig, readEnvironment } from "./src/config/config.ts";
import { ormOptions } from "./src/database/orm.ts";

export default ormOptions(loadConfig(readEnvironment()).databaseUrl ?? "postgresql://localhost/accounts");
