// What is measured, one function each: the same work for every server, in rounds that alternate.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { HttpRequest, Operation, Person } from "./contender.ts";
import { accountServer } from "./contenders/account-server.ts";
import { floor } from "./contenders/floor.ts";
import { HelperProcess } from "./helper-process.ts";
import type { MailsToSend, SentMails } from "./limits/nodemailer.ts";
import { load } from "./load.ts";
import { interleave, interleaveWarm, median, type Measured } from "./measuring.ts";
import type { Plan } from "./plan.ts";
import { newcomer } from "./people.ts";
import { query } from "./postgres.ts";
import { freePort, ServerProcess, type ResidentMb } from "./server-process.ts";
import type { SmtpSink } from "./smtp-sink.ts";
import type { Running, Stage } from "./stage.ts";

/** Enough to keep a server busy; the same for all. */
const CONNECTIONS = 10;
const LOGIN_CONNECTIONS = 16;
const SIGNED_IN = 20;
const STORM_CONNECTIONS = 32;
/** About what two cores hash, so that a round lasts about as long as one of logins. */
const REGISTRATIONS_A_SECOND = 80;
/** As many as the account server's queue uses. */
const SMTP_CONNECTIONS = 5;

/** Requests a second. */
export async function measureMe(stage: Stage, plan: Plan): Promise<Measured> {
  const runners: Record<string, () => Promise<number>> = {};
  for (const each of stage.running) {
    const next = inTurn(await meRequests(each));
    runners[each.contender.name] = () => rate(each, "me", next, plan);
  }
  const ours = first(stage);
  const next = inTurn(Array.from({ length: SIGNED_IN }, () => floor.me(ours.somebody())));
  runners["floor"] = async () => {
    const check = accountServer.check.bind(null, "me");
    const { url } = stage.floor;
    return (await load({ url, connections: CONNECTIONS, seconds: plan.seconds, next, check })).perSecond;
  };
  return interleaveWarm(plan.rounds, runners);
}

/** Requests a second, against argon2's hashes a second with every core busy. */
export async function measureLogins(
  stage: Stage,
  plan: Plan,
  kind: "right" | "wrong" | "unknown",
): Promise<Measured> {
  const runners: Record<string, () => Promise<number>> = {};
  for (const each of stage.running) {
    const { requests } = each.contender;
    const next = {
      right: () => login(each, each.somebody()),
      wrong: () => requests.login(each.somebody().email, "Not-The-Password-7"),
      unknown: () => requests.login(`nobody${Math.random()}@bench.test`, "Not-The-Password-7"),
    }[kind];
    runners[each.contender.name] = () =>
      rate(each, kind === "right" ? "login" : "refusedLogin", next, plan, LOGIN_CONNECTIONS);
  }
  return againstArgon2(plan, runners);
}

/** Requests a second, against argon2's hashes a second; every mail is waited for before the next round begins. */
export async function measureRegistrations(stage: Stage, plan: Plan, sink: SmtpSink): Promise<Measured> {
  const runners: Record<string, () => Promise<number>> = {};
  for (const each of stage.running) {
    runners[each.contender.name] = async () => {
      const { perSecond, emails } = await registerMany(each, plan.seconds * REGISTRATIONS_A_SECOND);
      await sink.mailsTo(emails);
      return perSecond;
    };
  }
  return againstArgon2(plan, runners);
}

async function againstArgon2(plan: Plan, runners: Record<string, () => Promise<number>>): Promise<Measured> {
  await using argon2 = await HelperProcess.start("limits/argon2.ts");
  return await interleave(plan.rounds, { ...runners, argon2: () => argon2.ask<number>(plan.seconds) });
}

/** Milliseconds from the request to the mail's acceptance by the SMTP server. */
export async function measureRegisterToMail(stage: Stage, plan: Plan, sink: SmtpSink): Promise<Measured> {
  return measureToMail(stage, plan, sink, "register", (each) => {
    const person = newcomer();
    return { email: person.email, request: each.contender.requests.register(person) };
  });
}

/** Milliseconds from the request to the mail's acceptance by the SMTP server. */
export async function measureResetToMail(stage: Stage, plan: Plan, sink: SmtpSink): Promise<Measured> {
  return measureToMail(stage, plan, sink, "requestReset", (each) => {
    const { email } = each.somebody();
    return { email, request: each.contender.requests.requestReset(email) };
  });
}

async function measureToMail(
  stage: Stage,
  plan: Plan,
  sink: SmtpSink,
  operation: Operation,
  next: (each: Running) => { email: string; request: HttpRequest },
): Promise<Measured> {
  return interleave(
    plan.rounds,
    forEach(stage, async (each) => {
      sink.forget();
      const times: number[] = [];
      for (let index = 0; index < plan.oneByOne; index += 1) {
        const { email, request } = next(each);
        const sentAt = Date.now();
        await each.ask(operation, request);
        times.push((await sink.mailTo(email)).at - sentAt);
      }
      return median(times);
    }),
  );
}

/** Redemptions a second, of links that were mailed just before. */
export async function measureFinalizeRegistration(
  stage: Stage,
  plan: Plan,
  sink: SmtpSink,
): Promise<Measured> {
  return interleaveWarm(
    plan.rounds,
    forEach(stage, async (each) => {
      const { emails } = await registerMany(each, plan.oneByOne * 2);
      return redeem(each, "finalizeRegistration", emails, sink, (token) =>
        each.contender.requests.finalizeRegistration(token),
      );
    }),
  );
}

/** Redemptions a second, of links that were mailed just before. The password stays the same. */
export async function measureFinalizeReset(stage: Stage, plan: Plan, sink: SmtpSink): Promise<Measured> {
  return interleaveWarm(
    plan.rounds,
    forEach(stage, async (each) => {
      sink.forget();
      const owners = await requestResets(each, plan.oneByOne * 2);
      const emails = owners.map(({ email }) => email);
      const password = owners[0]?.password ?? "";
      return redeem(each, "finalizeReset", emails, sink, (token) =>
        each.contender.requests.finalizeReset(token, password),
      );
    }),
  );
}

async function redeem(
  each: Running,
  operation: "finalizeRegistration" | "finalizeReset",
  emails: readonly string[],
  sink: SmtpSink,
  request: (token: string) => HttpRequest,
): Promise<number> {
  const mails = await sink.mailsTo(emails);
  const next = inTurn(mails.map(({ token }) => request(token)));
  const amount = mails.length;
  return (await load({ ...door(each, operation), connections: CONNECTIONS, amount, next })).perSecond;
}

/** For our server: milliseconds from the commit to the mail's acceptance, and what nodemailer alone takes. */
export async function measureCommitToMail(stage: Stage, plan: Plan, sink: SmtpSink): Promise<Measured> {
  const ours = first(stage);
  await using nodemailer = await HelperProcess.start("limits/nodemailer.ts");
  const order = await mailOrder(ours, sink, plan.oneByOne, false);
  return await interleave(plan.rounds, {
    [ours.contender.name]: async () => {
      const times: number[] = [];
      for (let index = 0; index < plan.oneByOne; index += 1) {
        const person = newcomer();
        await ours.ask("register", ours.contender.requests.register(person));
        const { at } = await sink.mailTo(person.email);
        times.push(at - (await committedAt(ours, person)));
      }
      return median(times);
    },
    nodemailer: async () => {
      const { handedOver, takenAt } = await sendAlone(nodemailer, order, sink);
      return median(takenAt.map((time, index) => time - (handedOver[index] ?? Number.NaN)));
    },
  });
}

/** For our server: mails a minute, of a queue that was full when the SMTP server began to take them. */
export async function measureMails(stage: Stage, plan: Plan, sink: SmtpSink): Promise<Measured> {
  const ours = first(stage);
  await using nodemailer = await HelperProcess.start("limits/nodemailer.ts");
  const order = await mailOrder(ours, sink, plan.mails, true);
  return await interleaveWarm(plan.rounds, {
    [ours.contender.name]: async () => {
      sink.forget();
      sink.hold();
      await requestResets(ours, plan.mails);
      sink.release();
      return aMinute(await sink.arrivals(plan.mails));
    },
    nodemailer: async () => aMinute((await sendAlone(nodemailer, order, sink)).takenAt),
  });
}

/** Requests a second of a day's mixture, and the resident memory meanwhile, in MB. */
export async function measureMixed(
  stage: Stage,
  plan: Plan,
): Promise<{ perSecond: Measured; residentMb: Record<string, ResidentMb> }> {
  const residentMb: Record<string, ResidentMb> = {};
  const perSecond = await interleave(
    1,
    forEach(stage, async (each) => {
      const nextMe = inTurn(await meRequests(each));
      const { requests } = each.contender;
      const next = () => {
        const dice = Math.random();
        if (dice < 0.9) return nextMe();
        if (dice < 0.96) return login(each, each.somebody());
        if (dice < 0.98) return requests.register(newcomer());
        return requests.requestReset(each.somebody().email);
      };
      const weighed: ResidentMb[] = [];
      const scale = setInterval(() => {
        void each.server.residentMb().then((resident) => weighed.push(resident));
      }, 500);
      const check = ({ status, body }: { status: number; body: string }) => {
        if (status >= 400 || body.includes('"errors"')) throw new Error(`mixed load: ${status} ${body}`);
      };
      try {
        const { url } = each.server;
        const seconds = plan.mixedSeconds;
        return (await load({ url, connections: 2 * CONNECTIONS, seconds, next, check })).perSecond;
      } finally {
        clearInterval(scale);
        residentMb[each.contender.name] = {
          itself: Math.max(...weighed.map(({ itself }) => itself)),
          all: Math.max(...weighed.map(({ all }) => all)),
        };
      }
    }),
  );
  return { perSecond, residentMb };
}

/** The 99th percentile of `me`, in milliseconds: with nothing else going on, and during a storm of logins. */
export async function measureStorm(stage: Stage, plan: Plan): Promise<{ calm: Measured; storm: Measured }> {
  const requests = new Map<Running, () => HttpRequest>();
  for (const each of stage.running) requests.set(each, inTurn(await meRequests(each)));
  const p99 = async (each: Running) => {
    const next = requests.get(each)!;
    return (await load({ ...door(each, "me"), connections: CONNECTIONS, seconds: plan.seconds, next })).p99;
  };
  const calm = await interleave(plan.rounds, forEach(stage, p99));
  const storm = await interleave(
    plan.rounds,
    forEach(stage, async (each) => {
      const next = () => login(each, each.somebody());
      const logins = load({
        ...door(each, "login"),
        connections: STORM_CONNECTIONS,
        seconds: plan.seconds + 2,
        next,
      });
      await sleep(1_000); // the first logins all come at once
      const result = await p99(each);
      await logins;
      return result;
    }),
  );
  return { calm, storm };
}

/** Milliseconds until a newcomer's `npm start` answers, embedded PostgreSQL included: the first time, and the second. */
export async function measureStart(plan: Plan): Promise<Measured> {
  const program = accountServer.program({ databaseUrl: "", smtpPort: 0, port: 0, workers: 1 });
  const first: number[] = [];
  const second: number[] = [];
  for (let round = 0; round < plan.rounds; round += 1) {
    const folder = await mkdtemp(join(tmpdir(), "account-server-bench-start-"));
    try {
      for (const values of [first, second]) {
        const port = await freePort();
        const env = { DATA_DIR: join(folder, "data"), PORT: String(port) };
        const server = await ServerProcess.start({ ...program, env }, port, folder);
        values.push(server.readyAfterMs);
        await server.stop();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return { first, second };
}

/** Our server at several counts of accounts: the median time of each operation, one at a time, in milliseconds. */
export async function measureTimes(
  ours: readonly Running[],
  plan: Plan,
  sink: SmtpSink,
): Promise<Record<string, Measured>> {
  const times: Record<string, Record<string, number[]>> = {};
  // The first round does not count: until what runs is compiled, a server is another one.
  for (let round = 0; round <= plan.rounds; round += 1) {
    for (const each of ours) {
      const { requests } = each.contender;
      const timed = async (name: string, operation: Operation, all: readonly HttpRequest[]) => {
        const taken: number[] = [];
        for (const request of all) {
          const startedAt = performance.now();
          await each.ask(operation, request);
          taken.push(performance.now() - startedAt);
        }
        if (round > 0) ((times[name] ??= {})[String(each.accounts)] ??= []).push(median(taken));
      };
      const some = <T>(make: (index: number) => T) =>
        Array.from({ length: plan.oneByOne }, (_, index) => make(index));

      sink.forget();
      const newcomers = some(() => newcomer());
      const owners = some(() => each.somebody());
      const me = requests.me(await each.signIn());
      await timed(
        "me",
        "me",
        some(() => me),
      );
      await timed(
        "login (right)",
        "login",
        some(() => login(each, each.somebody())),
      );
      await timed(
        "login (wrong)",
        "refusedLogin",
        some(() => requests.login(each.somebody().email, "Not-The-Password-7")),
      );
      await timed(
        "login (unknown)",
        "refusedLogin",
        some((index) => requests.login(`nobody${index}@bench.test`, "Not-The-Password-7")),
      );
      await timed(
        "register",
        "register",
        newcomers.map((person) => requests.register(person)),
      );
      const confirmations = await sink.mailsTo(newcomers.map(({ email }) => email));
      await timed(
        "finalizeRegistration",
        "finalizeRegistration",
        confirmations.map(({ token }) => requests.finalizeRegistration(token)),
      );
      await timed(
        "requestReset",
        "requestReset",
        owners.map(({ email }) => requests.requestReset(email)),
      );
      const resets = await sink.mailsTo(owners.map(({ email }) => email));
      await timed(
        "finalizeReset",
        "finalizeReset",
        resets.map(({ token }, index) => requests.finalizeReset(token, owners[index]!.password)),
      );
    }
  }
  return times;
}

/** Ways to run our server against each other: requests a second. */
export async function measureVariants(
  variants: Readonly<Record<string, Running>>,
  plan: Plan,
): Promise<{ me: Measured; login: Measured }> {
  const me: Record<string, () => Promise<number>> = {};
  const logins: Record<string, () => Promise<number>> = {};
  for (const [label, each] of Object.entries(variants)) {
    const next = inTurn(await meRequests(each));
    me[label] = () => rate(each, "me", next, plan, 2 * CONNECTIONS);
    logins[label] = () => rate(each, "login", () => login(each, each.somebody()), plan, LOGIN_CONNECTIONS);
  }
  return { me: await interleave(plan.rounds, me), login: await interleave(plan.rounds, logins) };
}

function forEach(
  stage: Stage,
  run: (each: Running) => Promise<number>,
): Record<string, () => Promise<number>> {
  return Object.fromEntries(stage.running.map((each) => [each.contender.name, () => run(each)]));
}

function first(stage: Stage): Running {
  return stage.running[0]!;
}

const door = ({ server, contender }: Running, operation: Operation) => ({
  url: server.url,
  check: contender.check.bind(null, operation),
});

async function rate(
  each: Running,
  operation: Operation,
  next: () => HttpRequest,
  { seconds }: Plan,
  connections = CONNECTIONS,
): Promise<number> {
  return (await load({ ...door(each, operation), connections, seconds, next })).perSecond;
}

/** Of some people who are signed in. */
async function meRequests(each: Running): Promise<HttpRequest[]> {
  const requests: HttpRequest[] = [];
  for (let index = 0; index < SIGNED_IN; index += 1)
    requests.push(each.contender.requests.me(await each.signIn()));
  return requests;
}

function login({ contender }: Running, { email, password }: Person): HttpRequest {
  return contender.requests.login(email, password);
}

/** Registers so many, and returns their addresses. */
async function registerMany(each: Running, amount: number): Promise<{ perSecond: number; emails: string[] }> {
  const emails: string[] = [];
  const next = () => {
    const person = newcomer();
    emails.push(person.email);
    return each.contender.requests.register(person);
  };
  const { perSecond } = await load({
    ...door(each, "register"),
    connections: LOGIN_CONNECTIONS,
    amount,
    next,
  });
  return { perSecond, emails };
}

/** Asks for so many links to a new password, and returns whose they are. */
async function requestResets(each: Running, amount: number): Promise<Person[]> {
  const owners: Person[] = [];
  const next = () => {
    const owner = each.somebody();
    owners.push(owner);
    return each.contender.requests.requestReset(owner.email);
  };
  await load({ ...door(each, "requestReset"), connections: CONNECTIONS, amount, next });
  return owners;
}

/** Mails such as our server sends, for nodemailer alone. */
async function mailOrder(
  ours: Running,
  sink: SmtpSink,
  count: number,
  atOnce: boolean,
): Promise<MailsToSend> {
  const person = newcomer();
  await ours.ask("register", ours.contender.requests.register(person));
  const { subject, text, html } = await sink.mailTo(person.email);
  return { smtpPort: sink.port, connections: SMTP_CONNECTIONS, subject, text, html, count, atOnce };
}

async function sendAlone(
  nodemailer: HelperProcess,
  order: MailsToSend,
  sink: SmtpSink,
): Promise<{ handedOver: SentMails; takenAt: number[] }> {
  sink.forget();
  const handedOver = await nodemailer.ask<SentMails>(order);
  return { handedOver, takenAt: await sink.arrivals(order.count) };
}

/** When the transaction of a registration was committed: milliseconds since the epoch. */
async function committedAt({ databaseUrl }: Running, { username }: Person): Promise<number> {
  const [row] = await query<{ at: number }>(
    databaseUrl,
    // The event's row is never written again; the user's is, before the mail leaves.
    `select 1000 * extract(epoch from pg_xact_commit_timestamp(e.xmin))::float8 as at
     from accounts.account_events e join accounts.users u on u.id = e.user_id
     where u.username_key = $1 and e.type = 'REGISTERED'`,
    [username],
  );
  return row?.at ?? Number.NaN;
}

function aMinute(takenAt: readonly number[]): number {
  return ((takenAt.length - 1) / (Math.max(...takenAt) - Math.min(...takenAt))) * 60_000;
}

function inTurn<T>(all: readonly T[]): () => T {
  let turn = 0;
  return () => all[turn++ % all.length]!;
}
