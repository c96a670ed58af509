// A PostgreSQL cluster under Patroni with the very files of ops/patroni/: three members, so that a synchronous standby is left when any one
// of them is away, one etcd, because what etcd does when one of its own three members fails is not the question here, and HAProxy.
// Each has a loopback address of its own, as if it were a machine.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, onTestFinished } from "vitest";

import { query } from "../support/postgres.ts";
import { BARE_ENVIRONMENT } from "../support/process.ts";
import {
  folderOfPostgres,
  hasSystemPostgres,
  POSTGRES_BIN,
  SYSTEM_USER,
} from "../support/system-postgres.ts";

const PROGRAMS = { patroni: "/usr/bin/patroni", etcd: "/usr/bin/etcd", haproxy: "/usr/sbin/haproxy" };

/** Why there can be no cluster here, or null. */
export const MISSING =
  hasSystemPostgres && Object.values(PROGRAMS).every((path) => existsSync(path))
    ? null
    : "needs Debian's patroni, etcd-server, haproxy and postgresql";

/**
 * The interface of etcd that Patroni uses. With version 3 of it, Patroni before 3.0.3 has a fault by which a primary that was frozen takes the
 * lock from its successor, and what that has acknowledged is lost (https://github.com/patroni/patroni/pull/2689).
 */
const ETCD_API = (() => {
  if (MISSING) return "ETCD3";
  const version = execFileSync(PROGRAMS.patroni, ["--version"], { encoding: "utf8" });
  const [major, minor, patch] = /(\d+)\.(\d+)\.(\d+)/.exec(version)!.slice(1).map(Number);
  return major! * 10_000 + minor! * 100 + patch! >= 3_00_03 ? "ETCD3" : "ETCD";
})();

/** For what takes as long as a failover. */
export const PATIENCE = { timeout: 180_000, interval: 100 };
const ROLES = { superuser: "postgres", replication: "replicator", rewind: "rewind" };

/** What a test may change of the settings in ops/patroni/patroni.yml. */
export interface Settings {
  readonly synchronous_mode?: boolean;
  readonly synchronous_mode_strict?: boolean;
  readonly failsafe_mode?: boolean;
}

interface MemberState {
  readonly name: string;
  readonly role: string;
  readonly state: string;
  readonly lag?: number | string;
}

export class Cluster {
  readonly members: readonly Member[];
  readonly etcd: Etcd;
  /** Through HAProxy. */
  readonly proxyUrl: string;
  /** With all hosts, and without HAProxy. */
  readonly hostsUrl: string;

  private constructor(members: readonly Member[], etcd: Etcd, proxyAddress: string) {
    this.members = members;
    this.etcd = etcd;
    const url = (hosts: string) => `postgresql://accounts:${PASSWORD}@${hosts}/accounts`;
    this.proxyUrl = url(`${proxyAddress}:5432`);
    const hosts = members.map(({ address }) => `${address}:5432`);
    this.hostsUrl = `${url(hosts.join(","))}?target_session_attrs=read-write`;
  }

  /** A cluster that ends with the test, with an empty database `accounts`. */
  static async start(settings: Settings): Promise<Cluster> {
    const folder = folderOfPostgres();
    const network = `127.${randomInt(1, 255)}.${randomInt(255)}`;
    const etcd = new Etcd(folder, `${network}.10`);
    const addresses = [1, 2, 3].map((number) => `${network}.${number}`);
    const members = addresses.map(
      (address, index) => new Member(`db${index + 1}`, address, folder, etcd.address, settings),
    );
    const cluster = new Cluster(members, etcd, `${network}.20`);
    onTestFinished(() => cluster.#end());
    etcd.start();
    for (const member of members) member.start();
    const leader = await cluster.leader();
    const postgres = leader.url("postgres");
    await query(postgres, `create role accounts login password '${PASSWORD}'`);
    await query(postgres, "create database accounts owner accounts");
    await cluster.settled();
    startHaproxy(folder, `${network}.20`, addresses);
    await expect.poll(() => query(cluster.proxyUrl, "select 1").catch(String), PATIENCE).toHaveLength(1);
    return cluster;
  }

  /** The member that is the primary, as soon as there is one; other than `former`. */
  async leader(former?: Member): Promise<Member> {
    let leader: Member | undefined;
    const find = async () => {
      const found = await Promise.all(
        this.members.map(async (member) => member !== former && (await member.isPrimary())),
      );
      leader = this.members[found.indexOf(true)];
      return leader !== undefined;
    };
    await expect.poll(find, PATIENCE).toBe(true);
    return leader!;
  }

  /** Resolves once all members are there, and the standbys follow the primary. */
  async settled(): Promise<void> {
    const isSettled = async () => {
      const states = await this.states();
      const isSynchronous = await this.isSynchronous();
      const [leaders, synchronous, others] = ["leader", "sync_standby", "replica"].map((role) =>
        states.filter((member) => member.role === role),
      );
      const standbys = [...synchronous!, ...others!];
      const isWhole = leaders!.length === 1 && standbys.length === this.members.length - 1;
      const follow = standbys.every(
        ({ state, lag }) => ["running", "streaming"].includes(state) && lag === 0,
      );
      return (isWhole && follow && synchronous!.length === (isSynchronous ? 1 : 0)) || JSON.stringify(states);
    };
    await expect.poll(() => isSettled().catch(String), PATIENCE).toBe(true);
  }

  async states(): Promise<readonly MemberState[]> {
    return ((await this.#ask("/cluster")) as { members: MemberState[] }).members;
  }

  /** The member that may become the primary, of those that are standbys. */
  async synchronousStandby(): Promise<Member> {
    const name = (await this.states()).find(({ role }) => role === "sync_standby")?.name;
    return this.members.find((member) => member.name === name)!;
  }

  async standbys(): Promise<Member[]> {
    const leader = await this.leader();
    return this.members.filter((member) => member !== leader);
  }

  /** Asks the primary to hand over, as before its machine is taken away. */
  async switchover(): Promise<void> {
    const leader = await this.leader();
    const body = JSON.stringify({ leader: leader.name });
    // It answers once it is done.
    const signal = AbortSignal.timeout(PATIENCE.timeout);
    const answer = await leader.ask("/switchover", { method: "POST", body, signal });
    expect(answer.status, await answer.text()).toBe(200);
  }

  async isSynchronous(): Promise<boolean> {
    return ((await this.#ask("/config")) as Settings).synchronous_mode === true;
  }

  /** Any of those that answer. */
  async #ask(path: string): Promise<unknown> {
    return Promise.any(this.members.map(async (member): Promise<unknown> => (await member.ask(path)).json()));
  }

  async #end(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    await this.etcd.kill();
  }
}

/** Of all roles; the tests' PostgreSQL is on loopback. */
const PASSWORD = crypto.randomUUID();

/** A machine with Patroni and PostgreSQL. */
export class Member {
  readonly name: string;
  readonly address: string;
  readonly #folder: string;
  readonly #etcdAddress: string;
  #patroni: ChildProcess | undefined;

  constructor(name: string, address: string, folder: string, etcdAddress: string, settings: Settings) {
    this.name = name;
    this.address = address;
    this.#folder = join(folder, name);
    this.#etcdAddress = etcdAddress;
    mkdirSync(this.#folder, { mode: 0o700 });
    mkdirSync(join(this.#folder, "settings"));
    // Patroni adds the second file to the first. A machine has one folder for sockets, which the members would share here.
    writeFileSync(join(this.#folder, "settings/1.yml"), readFileSync("ops/patroni/patroni.yml"));
    const postgresql = { parameters: { unix_socket_directories: this.#folder } };
    writeFileSync(
      join(this.#folder, "settings/2.yml"),
      JSON.stringify({ bootstrap: { dcs: settings }, postgresql }),
    );
    own(this.#folder);
  }

  /** @returns the URL of a database of this member alone, for its superuser */
  url(database: string): string {
    return `postgresql://${ROLES.superuser}:${PASSWORD}@${this.address}:5432/${database}`;
  }

  start(): void {
    const roles = Object.entries(ROLES).flatMap(([role, name]) => [
      [`PATRONI_${role.toUpperCase()}_USERNAME`, name],
      [`PATRONI_${role.toUpperCase()}_PASSWORD`, PASSWORD],
    ]);
    this.#patroni = startProgram(PROGRAMS.patroni, [join(this.#folder, "settings")], this.#log, {
      PATRONI_NAME: this.name,
      [`PATRONI_${ETCD_API}_HOSTS`]: `${this.#etcdAddress}:2379`,
      PATRONI_RESTAPI_LISTEN: `${this.address}:8008`,
      PATRONI_RESTAPI_CONNECT_ADDRESS: `${this.address}:8008`,
      PATRONI_POSTGRESQL_LISTEN: `${this.address}:5432`,
      PATRONI_POSTGRESQL_CONNECT_ADDRESS: `${this.address}:5432`,
      PATRONI_POSTGRESQL_DATA_DIR: this.#data,
      PATRONI_POSTGRESQL_BIN_DIR: POSTGRES_BIN!,
      PATRONI_POSTGRESQL_PGPASS: join(this.#folder, "pgpass"),
      ...(Object.fromEntries(roles) as Record<string, string>),
    });
  }

  /** What Patroni answers. */
  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://${this.address}:8008${path}`, { signal: AbortSignal.timeout(5_000), ...init });
  }

  isPrimary(): Promise<boolean> {
    return this.ask("/primary").then(
      ({ status }) => status === 200,
      () => false,
    );
  }

  /** PostgreSQL's main process alone; its others notice and end. Resolves once Patroni has started another, in whatever role. */
  async killPostmaster(): Promise<void> {
    const killed = this.#postmaster()!;
    signal([killed], "SIGKILL");
    await expect.poll(() => [killed, undefined].includes(this.#postmaster()), PATIENCE).toBe(false);
  }

  /** All at once, as if the machine had lost its power. */
  async kill(): Promise<void> {
    const patroni = this.#patroni;
    if (!isRunning(patroni)) return;
    const ended = once(patroni, "exit");
    signal([patroni.pid!, ...this.#postgres()], "SIGKILL");
    await ended;
    await expect.poll(() => this.#postgres()).toEqual([]);
  }

  /** Stops PostgreSQL, or the whole machine, where it is, until `thaw`. */
  freeze(what: "PostgreSQL" | "machine"): void {
    signal([...(what === "machine" ? [this.#patroni!.pid!] : []), ...this.#postgres()], "SIGSTOP");
  }

  thaw(): void {
    signal([...this.#postgres(), this.#patroni!.pid!], "SIGCONT");
  }

  /** Receives nothing more from the primary, which does not notice, until `dropReceived`. */
  stopReceiving(): void {
    signal(this.#postgres("walreceiver"), "SIGSTOP");
  }

  /** As if what was on its way had been lost with the primary's machine. */
  dropReceived(): void {
    const receivers = this.#postgres("walreceiver");
    signal(receivers, "SIGTERM"); // before it goes on to read
    signal(receivers, "SIGCONT");
  }

  /** Resolves once Patroni or PostgreSQL says something that matches, from now on. */
  async says(pattern: RegExp): Promise<void> {
    const before = readFileSync(this.#log, "utf8").length;
    const isSaid = () => pattern.test(readFileSync(this.#log, "utf8").slice(before));
    await expect.poll(isSaid, { ...PATIENCE, message: `${this.name} says ${pattern}` }).toBe(true);
  }

  get #data(): string {
    return join(this.#folder, "data");
  }

  get #log(): string {
    return join(this.#folder, "log");
  }

  #postmaster(): number | undefined {
    const file = join(this.#data, "postmaster.pid");
    return existsSync(file) ? Number(readFileSync(file, "utf8").split("\n")[0]) : undefined;
  }

  /** The processes of PostgreSQL whose title has `title` in it. */
  #postgres(title = ""): number[] {
    const postmaster = this.#postmaster();
    return processes()
      .filter(({ pid, parent, args }) => [pid, parent].includes(postmaster!) && args.includes(title))
      .map(({ pid }) => pid);
  }
}

export class Etcd {
  readonly address: string;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  constructor(folder: string, address: string) {
    this.address = address;
    this.#folder = join(folder, "etcd");
    mkdirSync(this.#folder, { mode: 0o700 });
    own(this.#folder);
  }

  start(): void {
    const [clients, peers] = [`http://${this.address}:2379`, `http://${this.address}:2380`];
    this.#process = startProgram(
      PROGRAMS.etcd,
      [
        "--name=etcd", `--data-dir=${join(this.#folder, "data")}`, `--listen-client-urls=${clients}`,
        `--advertise-client-urls=${clients}`, `--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`,
        `--initial-cluster=etcd=${peers}`, ...(ETCD_API === "ETCD" ? ["--enable-v2"] : []),
      ],
      join(this.#folder, "log"),
    ); // prettier-ignore
  }

  async kill(): Promise<void> {
    if (!isRunning(this.#process)) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }
}

function startHaproxy(folder: string, address: string, members: readonly string[]): void {
  let config = readFileSync("ops/patroni/haproxy.cfg", "utf8").replace("bind 127.0.0.1:", `bind ${address}:`);
  for (const [index, member] of members.entries())
    config = config.replace(` db${index + 1}:5432`, ` ${member}:5432`);
  const file = join(folder, "haproxy.cfg");
  writeFileSync(file, config);
  own(file);
  const haproxy = startProgram(PROGRAMS.haproxy, ["-f", file, "-db"], join(folder, "haproxy.log"));
  onTestFinished(async () => {
    const ended = once(haproxy, "exit");
    haproxy.kill("SIGTERM");
    await ended;
  });
}

function startProgram(
  program: string,
  args: string[],
  log: string,
  env: Record<string, string> = {},
): ChildProcess {
  const file = openSync(log, "a");
  return spawn(program, args, {
    stdio: ["ignore", file, file],
    cwd: "/",
    env: { PATH: BARE_ENVIRONMENT.PATH, LC_ALL: "C.UTF-8", ...env },
    ...(SYSTEM_USER !== undefined && { uid: SYSTEM_USER, gid: SYSTEM_USER }),
  });
}

function isRunning(child: ChildProcess | undefined): child is ChildProcess {
  return child?.exitCode === null && child.signalCode === null;
}

/** Gives a new file or folder with what is in it to PostgreSQL's user. */
function own(path: string): void {
  if (SYSTEM_USER !== undefined) execFileSync("chown", ["-R", String(SYSTEM_USER), path]);
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly args: string;
}

function processes(): Process[] {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid=,state=,args="], { encoding: "utf8" })
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && !match[3]!.startsWith("Z"))
    .map((match) => ({ pid: Number(match![1]), parent: Number(match![2]), args: match![4]! }));
}

/** Some may have ended meanwhile. */
function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids)
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
}
