// Configures the mikro-orm command (CONTRIBUTING.md) with the server's own options and its DATABASE_URL.
import { loadConfig, readEnvironment } from "./src/config/config.ts";
import { ormOptions } from "./src/database/orm.ts";

const { databaseUrl, databaseDirectUrl } = loadConfig(readEnvironment());

export default ormOptions(databaseDirectUrl ?? databaseUrl ?? "postgresql://localhost/accounts", "long work");
