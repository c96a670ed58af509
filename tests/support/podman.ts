// Builds and runs the container image with Debian's podman, on stand-ins for its two base images: Debian's packages, unpacked by
// mmdebstrap, so that no registry of images is needed. Images stay on the machine, and what has not changed is not built again.
import { execFile, execFileSync, spawn } from "node:child_process";
import { cp, mkdir, mkdtempDisposable, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { onTestFinished } from "vitest";

import { ServerProcess } from "./process.ts";

/** What the base images have, and how mmdebstrap makes it. */
const BASES = {
  // Like gcr.io/distroless/cc-debian13: libraries, no shell, no package manager.
  run: [
    "extract",
    "base-files,ca-certificates,libc6,libgcc-s1,libgomp1,libssl3t64,libstdc++6,netbase,tzdata",
  ],
  build: ["minbase", "ca-certificates"],
} as const;

/** What is missing on this machine, in a sentence; null if containers can be built and run. */
export function whyNoContainers(): string | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    return "containers are tested as root, on Linux";
  const missing = ["podman", "mmdebstrap"].filter((program) => !isInstalled(program));
  return missing.length === 0 ? null : `apt-get install --no-install-recommends ${missing.join(" ")}`;
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
  const [build, run] = [await base("build"), await base("run")];
  const image = "localhost/account-server-test";
  await podman(
    "build",
    "--format=docker",
    "--isolation=chroot",
    "--network=host",
    `--tag=${image}`,
    ...[`--build-arg=BUILD_BASE=${build}`, `--build-arg=BASE=${run}`],
    ".",
  );
  return image;
}

async function base(kind: keyof typeof BASES): Promise<string> {
  const image = `localhost/account-server-base:${kind}`;
  const isThere = await podman("image", "exists", image).then(
    () => true,
    () => false,
  );
  if (isThere) return image;
  await using folder = await mkdtempDisposable(join(tmpdir(), "account-server-base-"));
  const root = join(folder.path, "root");
  const [variant, packages] = BASES[kind];
  await run("mmdebstrap", ["--mode=root", `--variant=${variant}`, `--include=${packages}`, "trixie", root]);
  if (kind === "build") await addNode(root);
  const tar = `${root}.tar`;
  await run("tar", ["-C", root, "--exclude=./dev/*", "-cf", tar, "."]);
  await podman("import", ...(kind === "build" ? trust() : []), tar, image);
  return image;
}

/** Node.js and npm, where the image of Node.js has them, and the certificates that this machine trusts. */
async function addNode(root: string): Promise<void> {
  const { stdout } = await run("sh", ["-c", "realpath $(command -v npm)"]); // npm/bin/npm-cli.js
  const npm = dirname(dirname(stdout.trim()));
  await mkdir(join(root, "usr/local/lib/node_modules"), { recursive: true });
  await cp("node_modules/.bin/node", join(root, "usr/local/bin/node"), { dereference: true });
  await cp(npm, join(root, "usr/local/lib/node_modules/npm"), {
    recursive: true,
    verbatimSymlinks: true,
  });
  for (const program of ["npm", "npx"])
    await symlink(`../lib/node_modules/npm/bin/${program}-cli.js`, join(root, "usr/local/bin", program));
  const certificates = process.env["NODE_EXTRA_CA_CERTS"];
  if (certificates !== undefined) await cp(certificates, join(root, CERTIFICATES));
}

const CERTIFICATES = "/etc/ssl/certs/of-this-machine.pem";
const trust = () =>
  process.env["NODE_EXTRA_CA_CERTS"] === undefined
    ? []
    : [`--change=ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`];

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
  const child = spawn(
    ...inCgroups([
      "run",
      "--rm",
      "--interactive",
      "--network=host",
      `--name=${name}`,
      "--ulimit=nofile=4096:4096",
      "--ulimit=nproc=4096:4096",
      ...Object.keys(env).map((variable) => `--env=${variable}`),
      ...options,
      image,
      ...args,
    ]),
    { env: { ...process.env, ...env } },
  );
  const container = Object.assign(new ServerProcess(child), { name });
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) await container.end("SIGTERM");
    await podman("rm", "--force", "--ignore", name);
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

/** Runs podman and returns its standard output. */
export async function podman(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(...inCgroups(args), { maxBuffer: 2 ** 28 });
  return stdout;
}

const run = promisify(execFile);

/** The command that runs podman; where both versions of cgroups are mounted, which crun refuses, it sees the first alone. */
function inCgroups(args: string[]): [string, string[]] {
  const script = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec podman "$@"';
  return ["unshare", ["--mount", "sh", "-c", script, "podman", ...args]];
}
