// The Kubernetes manifests: that the API knows each field, and that they agree with what the server is.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import ts from "typescript";
import { expect, test } from "vitest";
import { parse } from "yaml";

import { loadConfig } from "../../src/config/config.ts";
import { temporaryFolder } from "../support/process.ts";
import { startServer } from "../support/server.ts";

const FOLDER = "ops/kubernetes";

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

interface PodTemplate {
  readonly metadata: { readonly labels: Record<string, string> };
  readonly spec: {
    readonly automountServiceAccountToken: boolean;
    readonly enableServiceLinks: boolean;
    readonly terminationGracePeriodSeconds?: number;
    readonly securityContext: object;
    readonly containers: readonly {
      readonly args?: string[];
      readonly image: string;
      readonly ports?: readonly { name: string; containerPort: number }[];
      readonly resources: { limits: { memory: string } };
      readonly securityContext: object;
      readonly [probe: `${string}Probe`]: { httpGet: { path: string; port: string } };
    }[];
  };
}

type Workload = Manifest & { readonly spec: { readonly template: PodTemplate; readonly selector?: unknown } };

const read = (file: string) => parse(readFileSync(join(FOLDER, file), "utf8")) as unknown;
const files = readdirSync(FOLDER).filter((file) => file !== "kustomization.yaml");
const manifests = files.map((file) => read(file) as Manifest);
const find = (kind: string): unknown => manifests.find((each) => each.kind === kind);

const deployment = find("Deployment") as Workload;
const job = find("Job") as Workload;
const settings = (find("ConfigMap") as { data: Record<string, string> }).data;
const [server] = deployment.spec.template.spec.containers;

test("the API of Kubernetes knows each field and its type", { timeout: 120_000 }, async () => {
  const folder = await temporaryFolder();
  await symlink(resolve("node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const lines = manifests.map(
    (each) =>
      `export const ${each.kind}: import("kubernetes-models/${each.apiVersion}").I${each.kind} = ${JSON.stringify(each)};\n`,
  );
  await writeFile(join(folder, "manifests.ts"), lines.join(""));

  const program = ts.createProgram([join(folder, "manifests.ts")], {
    module: ts.ModuleKind.NodeNext,
    noEmit: true,
    skipLibCheck: true,
    strict: true,
    target: ts.ScriptTarget.ES2024,
    types: [],
  });
  const faults = ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  expect(faults).toEqual([]);
});

test("kustomize takes every file, and the image of this version", () => {
  const { resources, images } = read("kustomization.yaml") as {
    resources: string[];
    images: { name: string; newTag: string }[];
  };
  expect([...resources].sort()).toEqual([...files].sort());
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  expect(images).toEqual([{ name: "account-server", newTag: version }]);
  for (const { spec } of [deployment, job])
    for (const { image } of spec.template.spec.containers) expect(image).toBe("account-server");
});

test("the settings and the secrets that they name are all that production needs", () => {
  const secrets = {
    DATABASE_URL: "postgresql://accounts:secret@database/accounts?sslmode=verify-full",
    JWT_SECRET: "a secret of this test, at least 32 bytes long",
    MAIL_PASSWORD: "secret",
  };
  const config = loadConfig({ NODE_ENV: "production", ...settings, ...secrets });
  expect(config.warnings).toEqual([]);
  expect(config.migrateOnStart, "the job migrates").toBe(false);

  const readme = readFileSync("README.md", "utf8").split("\n## Configuration\n")[1]!.split("\n## ")[0]!;
  for (const name of [...Object.keys(settings), ...Object.keys(secrets)])
    expect(readme).toContain(`\`${name}\``);
});

test("probes ask what the server answers, at the port where it listens", async () => {
  const { url } = await startServer();
  for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"] as const) {
    const { path, port } = server![probe]!.httpGet;
    expect((await fetch(url + path)).status, probe).toBe(200);
    expect(port).toBe("http");
  }
  expect(server!.ports).toEqual([
    { name: "http", containerPort: loadConfig({}).port },
    { name: "metrics", containerPort: loadConfig(settings).metricsPort },
  ]);
  const { ports } = (find("Service") as { spec: { ports: { targetPort: string }[] } }).spec;
  expect(ports.map(({ targetPort }) => targetPort)).toEqual(["http"]);
});

test("a pod has time to stop, and the memory that was measured under load", () => {
  const { drainSeconds } = loadConfig(settings);
  expect(deployment.spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(9 + drainSeconds);

  const figures = readFileSync("docs/performance.md", "utf8").matchAll(
    /^\| memory under the mixed load .*?\| (\d+) MB/gm,
  );
  const measured = [...figures].map(([, megabytes]) => Number(megabytes));
  expect(measured.length).toBeGreaterThan(0);
  const mebibytes = Number(/^(\d+)Mi$/.exec(server!.resources.limits.memory)![1]);
  expect(mebibytes).toBeGreaterThan(1.2 * Math.max(...measured));
});

test.each([deployment, job])(
  "the pods of the $kind have no privileges, and can write nothing",
  ({ spec }) => {
    const pod = spec.template.spec;
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.enableServiceLinks, "no variables of other services").toBe(false);
    for (const { securityContext } of pod.containers)
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
  },
);

test("all select the pods of the server, and the network policy those of the job as well", () => {
  const { labels } = deployment.spec.template.metadata;
  expect(deployment.spec.selector).toEqual({ matchLabels: labels });
  expect((find("PodDisruptionBudget") as Workload).spec.selector).toEqual({ matchLabels: labels });
  expect((find("Service") as Workload).spec.selector).toEqual(labels);
  const names = [deployment, job].map(({ spec }) => spec.template.metadata.labels["app.kubernetes.io/name"]);
  const policy = (find("NetworkPolicy") as { spec: { podSelector: unknown } }).spec.podSelector;
  expect(policy).toEqual({
    matchExpressions: [{ key: "app.kubernetes.io/name", operator: "In", values: names }],
  });
});

test("the job runs a program of the image", () => {
  const [program] = job.spec.template.spec.containers[0]!.args!;
  expect(existsSync(program!.replace("/app/dist/", "src/").replace(/\.js$/, ".ts"))).toBe(true);
});
