/** What somebody outside sees of a service while parts of a site fail and return, in the two-site lab. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { labPlan, openSite } from "#app/lab.ts";
import { edgeAuthority } from "#app/lab-internet.ts";
import { runProcess } from "#base/process.ts";
import { openLabFaults } from "#drivers/lab/faults.ts";
import { freshState } from "../../test/journeys/panopticon.ts";
import type { Figure } from "../figure.ts";
import { type Ground, SITE_FAULTS, type SiteFault } from "./faults.ts";
import { type Asking, seenBy, startAsking } from "./watch.ts";

const LAUNCHER = join(import.meta.dirname, "../../panopticon");
const FEDERATION = "gaps";
const FILE = join(import.meta.dirname, "ground.yaml");
/** Longer than steering, a TTL and a resolver's second try together. */
const HOLD_MS = 30_000;
/** The return is damped: so long the site's addresses stay away. */
const AFTER_MS = 30_000;

/** Brings two sites up, makes each fault once, and takes them down; about 25 minutes. */
export async function gapsBench(say: (line: string) => void): Promise<readonly Figure[]> {
  const state = freshState();
  process.env["XDG_STATE_HOME"] = state;
  process.env["KUBECONFIG"] = join(state, "kubeconfig");
  try {
    say("two sites …");
    await up();
    const plan = await labPlan(FEDERATION);
    const [site] = plan.sites;
    const authority = edgeAuthority(plan);
    if (!site || authority === undefined) throw new Error("the lab has no site, or no certificates");
    const context = openSite(plan, site);
    const ground = { plan, context, faults: openLabFaults(FEDERATION, context.hypervisor) };
    const servers = plan.sites.flatMap(({ network }) => network.external);
    const asking = startAsking(ground.faults.outside(), { host: `echo.${plan.domain}`, servers, authority });
    try {
      const figures: Figure[] = [];
      for (const fault of SITE_FAULTS) {
        const found = await measure(ground, fault, asking, say);
        // Said at once: what was measured is not lost with a later one.
        for (const { figure, value } of found) say(`  ${figure.trim()} ${value.toFixed(1)} s`);
        figures.push(...found);
      }
      return figures;
    } finally {
      await asking.end();
      await context.close();
    }
  } finally {
    await runProcess([LAUNCHER, "lab", "down", FILE]);
    rmSync(state, { recursive: true, force: true });
  }
}

async function measure(
  ground: Ground,
  fault: SiteFault,
  asking: Asking,
  say: (line: string) => void,
): Promise<readonly Figure[]> {
  await calm(asking);
  say(`${fault.says} …`);
  const from = Date.now();
  await fault.make(ground);
  await sleep(HOLD_MS);
  const lost = asking.since(from);
  const back = Date.now();
  await (fault.undo ? fault.undo(ground) : up());
  await sleep(AFTER_MS);
  const returned = seenBy(asking.since(back), "first", back);
  const [all, first] = [seenBy(lost, "all", from), seenBy(lost, "first", from)];
  for (const { troubles } of [first, returned]) if (troubles.length > 0) say(`  ${troubles.join("; ")}`);
  const { says, goal } = fault;
  return [
    { figure: `${says}: longest without a page`, value: all.longest, unit: "s", goal },
    {
      figure: "  a client that tries one address alone fails for",
      value: first.lastFailure,
      unit: "s",
      goal: "",
    },
    {
      figure: "  its return: that client's longest wait for a page",
      value: returned.longest,
      unit: "s",
      goal: "0",
    },
  ];
}

/** Until nobody has missed a page for ten seconds. */
async function calm(asking: Asking): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    const from = Date.now();
    await sleep(10_000);
    const { asked, failed } = seenBy(asking.since(from), "first", from);
    if (asked > 50 && failed === 0) return;
  }
  throw new Error("the lab does not come to rest");
}

async function up(): Promise<void> {
  const { code, stderr } = await runProcess([LAUNCHER, "lab", "up", FILE, "--yes"]);
  if (code !== 0) throw new Error(`the lab did not come up: ${stderr.slice(-2000)}`);
}
