// For the mikro-orm command (CONTRIBUTING.md): the same options that the server uses, with its DATABASE_URL.
import { loadConfig, readEnvironment } from "./src/config/config.ts";
import { ormOptions } from "./src/database/orm.ts";

export default ormOptions(loadConfig(readEnvironment()).databaseUrl ?? "postgresql://localhost/accounts");
