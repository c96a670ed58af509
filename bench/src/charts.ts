// Draws an SVG chart for each workload in bench/charts/, with a bar per server and a group per number of accounts.
import { mkdir, writeFile } from "node:fs/promises";

import { init, use } from "echarts/core";
import { BarChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

import type { Measurements } from "./bench.ts";

const FOLDER = new URL("../charts/", import.meta.url);
const SIZE = { width: 720, height: 320 };
/** Each server has the same color in every chart. Limits are grey. */
const COLORS: Readonly<Record<string, string>> = {
  "account-server": "#3b6fd4",
  "better-auth": "#e08a3c",
  vendure: "#8a63b8",
  floor: "#a8adb5",
  argon2: "#a8adb5",
  nodemailer: "#a8adb5",
};

use([BarChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

export async function writeCharts(measurements: Measurements): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  for (const [work, byAccounts] of Object.entries(measurements))
    await writeFile(new URL(`${slug(work)}.svg`, FOLDER), chart(work, byAccounts));
}

export function slug(work: string): string {
  return work
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

function chart(work: string, byAccounts: Measurements[string]): string {
  const counts = Object.keys(byAccounts);
  const servers = [...new Set(Object.values(byAccounts).flatMap((byWho) => Object.keys(byWho)))];
  const chart = init(null, null, { renderer: "svg", ssr: true, ...SIZE });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff", // also readable on a dark page
    title: { text: work, left: 16, top: 10, textStyle: { fontSize: 15, fontWeight: 600 } },
    legend: { top: 40, left: 12 },
    grid: {
      left: 16,
      right: 24,
      top: 80,
      bottom: 12,
      outerBoundsMode: "same",
      outerBoundsContain: "axisLabel",
    },
    xAxis: {
      type: "category",
      data: counts.map((count) => `${Number(count).toLocaleString("en")} accounts`),
    },
    yAxis: { type: "value" },
    series: servers.map((name) => ({
      type: "bar",
      name,
      data: counts.map((count) => Number((byAccounts[count]?.[name]?.median ?? Number.NaN).toPrecision(3))),
      label: { show: true, position: "top", fontSize: 10 },
      ...(COLORS[name] && { itemStyle: { color: COLORS[name] } }),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
