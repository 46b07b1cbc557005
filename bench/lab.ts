/** The lab's figures on this box: two sites from cached components, a second run, memory, and gaps of the API. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { SiteStatus } from "#app/lab-status.ts";
import { runProcess } from "#base/process.ts";
import { cutPower } from "#drivers/lab/machine.ts";
import { freshState } from "../test/journeys/panopticon.ts";
import type { Figure } from "./figure.ts";
import { apiGapDuring } from "./gap.ts";

const LAUNCHER = join(import.meta.dirname, "../panopticon");
const FEDERATION = "two-sites";
/** How often each fault is made. */
const ROUNDS = 3;

/** Brings the README's example up and measures it; takes some minutes and leaves nothing behind. */
export async function labBench(say: (line: string) => void): Promise<readonly Figure[]> {
  const state = freshState();
  process.env["XDG_STATE_HOME"] = state;
  process.env["KUBECONFIG"] = join(state, "kubeconfig");
  try {
    await panopticon("components", "get");
    const free = availableMiB();
    say("two sites, components cached …");
    const first = await timed("lab", "up", "--yes");
    await settle();
    const used = free - availableMiB();
    say("second run …");
    const second = await timed("lab", "up", "--yes");
    return [
      { figure: "two sites up from cached components", value: first, unit: "s", goal: "≤ 100" },
      { figure: "second run, nothing to change", value: second, unit: "s", goal: "≤ 10" },
      { figure: "memory in use by both sites", value: used / 1024, unit: "GiB", goal: "≤ 4" },
      ...(await gaps(say)),
    ];
  } finally {
    await panopticon("lab", "down");
    rmSync(state, { recursive: true, force: true });
  }
}

async function gaps(say: (line: string) => void): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const role of ["ecam", "controlplane"] as const) {
    const seen: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const site = await firstSite();
      const victim = role === "ecam" ? site.holders[0] : controlplane(site, round);
      say(`power of ${victim} cut …`);
      seen.push(await gapOf(site.vip, victim ?? ""));
      await panopticon("lab", "up", "--yes");
      await settle();
    }
    const what = role === "ecam" ? "the VIP's ECAM killed" : "a control plane killed";
    figures.push({
      figure: `API gap, ${what} (worst of ${ROUNDS})`,
      value: Math.max(...seen),
      unit: "s",
      goal: "≤ 0.7",
    });
    figures.push({
      figure: `API gap, ${what} (best of ${ROUNDS})`,
      value: Math.min(...seen),
      unit: "s",
      goal: "",
    });
  }
  return figures;
}

function gapOf(vip: string, victim: string): Promise<number> {
  return apiGapDuring(vip, async () => {
    await sleep(2);
    await cutPower(FEDERATION, victim);
    await sleep(8);
  });
}

function controlplane({ machines }: SiteStatus, round: number): string | undefined {
  return machines.filter(({ role }) => role === "controlplane")[round]?.name;
}

async function firstSite(): Promise<SiteStatus> {
  const { stdout } = await panopticon("lab", "status", "-o", "json");
  const [site] = (JSON.parse(stdout) as { sites: readonly SiteStatus[] }).sites;
  if (!site) throw new Error("the lab has no site");
  return site;
}

async function timed(...argv: readonly string[]): Promise<number> {
  const started = performance.now();
  await panopticon(...argv);
  return (performance.now() - started) / 1000;
}

async function panopticon(...argv: readonly string[]) {
  const result = await runProcess([LAUNCHER, ...argv]);
  if (result.code > 1)
    throw new Error(`panopticon ${argv.join(" ")} ended with ${result.code}: ${result.stderr}`);
  return result;
}

/** What a box still has to give, reclaimable caches counted as free. */
function availableMiB(): number {
  return Number(/MemAvailable:\s+(\d+) kB/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]) / 1024;
}

/** After a bring-up pods are still starting; figures are taken of a lab at rest. */
function settle(): Promise<void> {
  return sleep(15);
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
