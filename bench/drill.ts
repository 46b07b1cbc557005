/** What a client loses when any single machine of the example is lost: every one is drilled, the worst is told. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { runProcess } from "#base/process.ts";
import type { DrillReport } from "#render/reports/drill.ts";
import { freshState } from "../test/journeys/panopticon.ts";
import type { Figure } from "./figure.ts";

const ROOT = join(import.meta.dirname, "..");
const LAUNCHER = join(ROOT, "panopticon");
const FILE = join(ROOT, "examples/two-sites.yaml");

/** Brings the README's example up, loses every machine once, takes it down; about ten minutes. */
export async function drillBench(say: (line: string) => void): Promise<readonly Figure[]> {
  const state = freshState();
  const own = [`XDG_STATE_HOME=${state}`, `KUBECONFIG=${join(state, "kubeconfig")}`];
  const panopticon = (...argv: readonly string[]) => runProcess(["env", ...own, LAUNCHER, ...argv]);
  try {
    say("two sites, for the drill …");
    const up = await panopticon("lab", "up", FILE, "--yes");
    if (up.code !== 0) throw new Error(`the lab did not come up: ${up.stderr.slice(-2000)}`);
    say("every machine loses its power once …");
    const { code, stdout, stderr } = await panopticon("drill", FILE, "--only", "machine:*", "-o", "json");
    if (code > 1) throw new Error(`the drill failed: ${stderr.slice(-2000)}`);
    return figures(JSON.parse(stdout) as DrillReport);
  } finally {
    await panopticon("lab", "down", FILE);
    rmSync(state, { recursive: true, force: true });
  }
}

function figures({ results }: DrillReport): readonly Figure[] {
  const own = results.flatMap(({ gaps, site }) => gaps[site] ?? []);
  const worst = (of: (gaps: (typeof own)[number]) => number) => Math.max(...own.map(of));
  const after = Math.max(...results.map(({ healthyAfter }) => healthyAfter ?? Number.POSITIVE_INFINITY));
  const lost = results.reduce((sum, { writes }) => sum + writes.lost.length, 0);
  const what = `of ${results.length} machines lost one by one`;
  return [
    { figure: `API gap, worst ${what}`, value: worst(({ api }) => api), unit: "s", goal: "≤ 1" },
    { figure: `gap of etcd writes, worst ${what}`, value: worst(({ etcd }) => etcd), unit: "s", goal: "" },
    {
      figure: `gap of a service, worst ${what}`,
      value: worst(({ service }) => service),
      unit: "s",
      goal: "",
    },
    { figure: `healthy after the return, worst ${what}`, value: after, unit: "s", goal: "" },
    { figure: "acknowledged etcd writes lost", value: lost, unit: "", goal: "0" },
  ];
}
