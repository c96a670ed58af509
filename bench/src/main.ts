// npm run bench: measures and prints the table of figures. A full run also writes it to docs/performance.md, and writes
// results.json and the charts.
import { readFile, writeFile } from "node:fs/promises";
import { cpus, platform, totalmem } from "node:os";

import { Command } from "commander";

import { runBench } from "./bench.ts";
import { regressions, type Figures } from "./figures.ts";
import { FULL, QUICK, SMOKE } from "./plan.ts";
import { figureTable, withTable } from "./report.ts";

const RESULTS = new URL("../results.json", import.meta.url);
const PAGE = new URL("../../docs/performance.md", import.meta.url);

const options = new Command("npm run bench --")
  .description("Measures the account server beside what people would use instead.")
  .option("--quick", "with 1,000 accounts only, in under 5 minutes; writes nothing")
  .option("--smoke", "every figure that needs no peer, each just enough to exist; writes nothing")
  .option("--check", "fail if a ratio is worse than in results.json by more than a fifth; writes nothing")
  .parse()
  .opts<{ quick?: true; smoke?: true; check?: true }>();

const plan = options.smoke ? SMOKE : options.quick ? QUICK : FULL;
// The alternatives are imported only if they are measured.
const { PEERS } = plan.hasPeers ? await import("./contenders/peers.ts") : { PEERS: [] };
const outcome = await runBench(plan, PEERS);
console.log(figureTable(outcome.figures));

if (plan === FULL && !options.check) {
  const [cpu] = cpus();
  const machine = {
    cpu: cpu?.model.trim(),
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    platform: platform(),
    node: process.version,
  };
  const results = { machine, date: new Date().toISOString().slice(0, 10), ...outcome };
  await writeFile(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);
  await writeFile(PAGE, withTable(await readFile(PAGE, "utf8"), outcome.figures));
  const { writeCharts } = await import("./charts.ts");
  await writeCharts(outcome.measurements);
}
if (options.check) {
  const committed = JSON.parse(await readFile(RESULTS, "utf8")) as { figures: Figures };
  const worse = regressions(committed.figures, outcome.figures);
  for (const sentence of worse) console.error(`Worse than before: ${sentence}`);
  process.exitCode = worse.length > 0 ? 1 : 0;
}
