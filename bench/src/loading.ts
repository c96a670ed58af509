// Loads accounts into a server's database with COPY.
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { SingleBar } from "cli-progress";
import { from } from "pg-copy-streams";

import type { Contender } from "./contender.ts";
import { hashPassword } from "./contenders/passwords.ts";
import { person } from "./people.ts";
import { connected } from "./postgres.ts";

const ROWS_A_CHUNK = 1_000;

/** @param count the number of accounts, numbered from 1; all have the same password and the same hash */
export async function loadAccounts(contender: Contender, databaseUrl: string, count: number): Promise<void> {
  const passwordHash = await hashPassword(person(1).password);
  const bar = new SingleBar({
    format: `${contender.name}: ${count} accounts [{bar}] {percentage} %, {eta_formatted} left`,
    noTTYOutput: false,
  });
  bar.start(count * contender.tables.length, 0);
  try {
    await connected(databaseUrl, async (client) => {
      for (const { table, columns, rowOf } of contender.tables) {
        const copy = client.query(from(`copy ${table} (${columns.join(", ")}) from stdin`));
        const chunks = function* () {
          for (let first = 1; first <= count; first += ROWS_A_CHUNK) {
            const last = Math.min(count, first + ROWS_A_CHUNK - 1);
            let chunk = "";
            for (let number = first; number <= last; number += 1)
              chunk += `${rowOf(person(number), passwordHash).map(field).join("\t")}\n`;
            bar.increment(last - first + 1);
            yield chunk;
          }
        };
        await pipeline(Readable.from(chunks()), copy);
      }
      for (const statement of contender.afterLoading) await client.query(statement);
      await client.query("vacuum (analyze)");
      await client.query("checkpoint");
    });
  } finally {
    bar.stop();
  }
}

/** The text format of COPY. */
function field(value: string | null): string {
  if (value === null) return "\\N";
  return value.replace(/[\\\t\n\r]/g, (character) => `\\${character}`);
}
