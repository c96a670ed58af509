// nginx and HAProxy in front of servers, as operators run them. Tests with them are skipped where they are not installed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";

import { expect, onTestFinished } from "vitest";

import { temporaryFolder } from "./process.ts";

/** A port that nobody listens to. Somebody could take it until it is used, which is unlikely enough. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await once(server.close(), "close");
  return port;
}

// It asks a server that has failed again at once (max_fails), because one that refuses the connection costs nothing.
const nginx = (folder: string, port: number, ports: readonly number[]) => `
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  upstream accounts {
    ${ports.map((each) => `server 127.0.0.1:${each} max_fails=0;`).join("\n    ")}
    keepalive 16;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://accounts;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
`;

const haproxy = (_folder: string, port: number, ports: readonly number[]) => `
global
  maxconn 1000
defaults
  mode http
  timeout connect 2s
  timeout check 2s
  timeout client 30s
  timeout server 30s
  option redispatch
  retries 3
frontend door
  bind 127.0.0.1:${port}
  default_backend accounts
backend accounts
  option forwardfor
  stats enable
  stats uri /stats
  option httpchk GET /readyz
  ${ports.map((each) => `server s${each} 127.0.0.1:${each} check inter 200ms fall 2 rise 1`).join("\n  ")}
`;

const PROXIES = {
  nginx: { program: "/usr/sbin/nginx", config: nginx, args: (file: string) => ["-c", file] },
  HAProxy: { program: "/usr/sbin/haproxy", config: haproxy, args: (file: string) => ["-f", file, "-db"] },
};
export type Proxy = keyof typeof PROXIES;

export function isInstalled(proxy: Proxy): boolean {
  try {
    accessSync(PROXIES[proxy].program);
    return true;
  } catch {
    return false;
  }
}

/** @returns the URL of a proxy before servers on these ports, which ends with the test, and whether it takes all of them for ready */
export async function startProxy(
  proxy: Proxy,
  ports: readonly number[],
): Promise<{ url: string; seesAll: () => Promise<boolean> }> {
  const { program, config, args } = PROXIES[proxy];
  const [folder, port] = [await temporaryFolder(), await freePort()];
  const file = join(folder, "proxy.conf");
  await writeFile(file, config(folder, port, ports));
  const child = spawn(program, args(file), { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk) => (said += String(chunk)));
  const ended = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  const url = `http://127.0.0.1:${port}`;
  await expect
    .poll(() =>
      fetch(`${url}/livez`).then(
        ({ status }) => status,
        () => said,
      ),
    )
    .toBe(200);
  const seesAll = async () => {
    if (proxy === "nginx") return true; // it looks at none of them
    const table = await (await fetch(`${url}/stats;csv`)).text();
    return ports.every((each) => new RegExp(`^accounts,s${each},.*,UP,`, "m").test(table));
  };
  return { url, seesAll };
}
