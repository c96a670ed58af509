// The database fails over under Patroni, with the settings of ops/patroni/, while people use the servers. In synchronous mode, nothing that
// was acknowledged is lost, however the primary ends.
import { expect, onTestFinished, test } from "vitest";

import { query } from "../support/postgres.ts";
import { startProcess } from "../support/process.ts";
import { SmtpCatcher } from "../support/smtp.ts";
import { Cluster, MISSING, PATIENCE, type Settings } from "./cluster.ts";
import { Load } from "./load.ts";

const SERVERS = 2;
/** Answers before, during and after a fault. */
const ENOUGH = 30;
/** How long nobody gets an answer until it is plain that nobody does. */
const SILENT_MS = 2_000;

const MODES = {
  asynchronous: { synchronous_mode: false },
  synchronous: {},
  "strictly synchronous, without failsafe_mode": { synchronous_mode_strict: true, failsafe_mode: false },
} satisfies Record<string, Settings>;
type Mode = keyof typeof MODES;
type Way = "HAProxy" | "several hosts";

/** The one mistake by which an operator loses something in synchronous mode; also the proof that a loss is noticed. */
const CANCELLED = "waiting commits are cancelled by hand, then the primary's machine dies";

/** Brings it about, waits until people are served again or cannot be, and mends it. */
type Fault = (cluster: Cluster, load: Load) => Promise<void>;

const freezes =
  (what: "PostgreSQL" | "machine"): Fault =>
  async (cluster, load) => {
    const frozen = await cluster.leader();
    frozen.freeze(what);
    await cluster.leader(frozen);
    await load.acknowledges(ENOUGH);
    frozen.thaw();
  };

const FAULTS = {
  "PostgreSQL of the primary is killed": async (cluster) => (await cluster.leader()).killPostmaster(),
  "the primary's machine dies": async (cluster, load) => {
    const dead = await cluster.leader();
    await dead.kill();
    await cluster.leader(dead);
    await load.acknowledges(ENOUGH);
    dead.start();
  },
  "the primary's PostgreSQL freezes": freezes("PostgreSQL"),
  "the primary's machine freezes": freezes("machine"),
  "a switchover is asked for": async (cluster) => {
    const before = await cluster.leader();
    await cluster.switchover();
    await cluster.leader(before);
  },
  "etcd is away": async (cluster, load) => {
    const leader = await cluster.leader();
    const decided = leader.says(
      /because failsafe mode is enabled|demoting self because DCS is not accessible/,
    );
    await cluster.etcd.kill();
    await decided;
    await Promise.race([load.acknowledges(ENOUGH), load.isSilentFor(SILENT_MS)]);
    cluster.etcd.start();
  },
  "the standbys lag, then the primary's machine dies": async (cluster, load) => {
    const dead = await cluster.leader();
    const standbys = await cluster.standbys();
    for (const standby of standbys) standby.stopReceiving();
    await ((await cluster.isSynchronous()) ? load.isSilentFor(SILENT_MS) : load.acknowledges(ENOUGH));
    await dead.kill();
    for (const standby of standbys) standby.dropReceived();
    await cluster.leader(dead);
    await load.acknowledges(ENOUGH);
    dead.start();
  },
  // What a commit waits for can be cancelled, and PostgreSQL then acknowledges what no standby has.
  [CANCELLED]: async (cluster, load) => {
    const dead = await cluster.leader();
    const standbys = await cluster.standbys();
    for (const standby of standbys) standby.stopReceiving();
    await load.isSilentFor(SILENT_MS);
    const acknowledged = load.acknowledges(1);
    const cancel = "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'";
    await query(dead.url("postgres"), cancel);
    await acknowledged;
    await dead.kill();
    for (const standby of standbys) standby.dropReceived();
    await cluster.leader(dead);
    await load.acknowledges(ENOUGH);
    dead.start();
  },
  "the synchronous standby freezes": async (cluster, load) => {
    const standby = await cluster.synchronousStandby();
    standby.freeze("machine");
    await load.isSilentFor(SILENT_MS);
    await load.acknowledges(ENOUGH);
    standby.thaw();
  },
  "both standbys die": async (cluster, load) => {
    const standbys = await cluster.standbys();
    for (const standby of standbys) await standby.kill();
    await Promise.race([load.acknowledges(3 * ENOUGH), load.isSilentFor(10 * SILENT_MS)]);
    for (const standby of standbys) standby.start();
  },
  "both standbys die, then the primary, and the standbys come back first": async (cluster, load) => {
    const primary = await cluster.leader();
    const standbys = await cluster.standbys();
    for (const standby of standbys) await standby.kill();
    await load.acknowledges(3 * ENOUGH);
    await primary.kill();
    const decided = standbys.map((standby) => standby.says(/promoted self|not the healthiest/));
    for (const standby of standbys) standby.start();
    await Promise.any(decided);
    primary.start();
  },
} satisfies Record<string, Fault>;
type FaultName = keyof typeof FAULTS;

/** What fails in which mode, by which way the servers reach the primary. One after the other, because a cluster takes a minute to make. */
const RUNS: { mode: Mode; way: Way; faults: readonly FaultName[] }[] = [
  {
    mode: "synchronous",
    way: "HAProxy",
    faults: (Object.keys(FAULTS) as FaultName[]).filter((fault) => fault !== CANCELLED),
  },
  {
    mode: "asynchronous",
    way: "HAProxy",
    faults: [
      "PostgreSQL of the primary is killed",
      "the primary's machine dies",
      "the primary's PostgreSQL freezes",
      "the primary's machine freezes",
      "a switchover is asked for",
      "the standbys lag, then the primary's machine dies",
      "both standbys die, then the primary, and the standbys come back first",
    ],
  },
  {
    mode: "synchronous",
    way: "several hosts",
    faults: [
      "the primary's machine dies",
      "the primary's PostgreSQL freezes",
      "the primary's machine freezes",
      "a switchover is asked for",
    ],
  },
  {
    mode: "strictly synchronous, without failsafe_mode",
    way: "HAProxy",
    faults: [
      "the primary's machine dies",
      "the synchronous standby freezes",
      "both standbys die",
      "etcd is away",
      CANCELLED,
    ],
  },
];

test.for(RUNS)("$mode, by $way", { timeout: 60 * 60_000 }, async ({ mode, way, faults }, { skip }) => {
  if (MISSING) skip(MISSING);
  const cluster = await Cluster.start(MODES[mode]);
  const smtp = await SmtpCatcher.start();
  onTestFinished(() => smtp.close());
  const env = {
    DATABASE_URL: way === "HAProxy" ? cluster.proxyUrl : cluster.hostsUrl,
    JWT_SECRET: "a secret of this test, at least 32 bytes long",
    MAIL_SERVER: "127.0.0.1",
    MAIL_PORT: String(smtp.port),
    RATE_LIMITS: "off",
  };
  const servers = [];
  for (let index = 0; index < SERVERS; index += 1) servers.push(await startProcess({ env }));
  const doors = await Promise.all(servers.map((server) => server.ready()));

  for (const fault of faults) {
    const load = new Load(doors, smtp);
    await load.acknowledges(ENOUGH);
    const begin = performance.now();
    await FAULTS[fault](cluster, load);
    await cluster.settled();
    await load.acknowledges(ENOUGH);
    await load.stop();

    const leader = await cluster.leader();
    const waiting = `select state, retry_count, output, now() - created_on as age, start_after - now() as starts_in, started_on
      from accounts_queue.job where name = 'mail' and state <> 'completed'`;
    await expect.poll(() => query(leader.url("accounts"), waiting).catch(String), PATIENCE).toEqual([]);
    const lost = await load.lost();
    const seconds = load.longestSilenceSeconds(begin).toFixed(1);
    const refused = JSON.stringify(load.refusals);
    console.log(
      `${mode}, by ${way}: ${fault}: ${lost.length} of ${load.acknowledged} lost, ${seconds} s, ${refused}`,
    );
    if (fault === CANCELLED) expect(lost).not.toEqual([]);
    else if (mode !== "asynchronous") expect(lost, fault).toEqual([]);
    const verify = await startProcess({ env, script: "dist/bin/account.js", args: ["verify"] });
    expect(await verify.exited(), `${fault}: ${verify.output}`).toBe(0);
  }
});
