/** What somebody outside sees of a service while parts of a site fail and return, in a lab of two or three sites. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { labPlan, openSite } from "#app/lab.ts";
import { edgeAuthority } from "#app/lab-internet.ts";
import { runProcess } from "#base/process.ts";
import { openLabFaults } from "#drivers/lab/faults.ts";
import { freshState } from "../../test/journeys/panopticon.ts";
import type { Figure } from "../figure.ts";
import { type Ground, SAMPLE, SITE_FAULTS, type SiteFault, SMALL_SITE_FAULTS } from "./faults.ts";
import { type Asking, namesSeen, seenBy, startAsking } from "./watch.ts";

const LAUNCHER = join(import.meta.dirname, "../../panopticon");
const LOOK_MS = 200;

interface Bench {
  readonly federation: string;
  readonly file: string;
  readonly faults: readonly SiteFault[];
  readonly says: string;
}

/** `gaps`: two sites and a witness, every fault; `majority`: three small ones, and what loses a site. */
const BENCHES = {
  gaps: { federation: "gaps", file: fileOf("ground.yaml"), faults: SITE_FAULTS, says: "two sites" },
  majority: {
    federation: "majority",
    file: fileOf("three.yaml"),
    faults: SMALL_SITE_FAULTS,
    says: "three sites",
  },
} as const satisfies Readonly<Record<string, Bench>>;
/** Longer than steering, a TTL and a resolver's second try together. */
const HOLD_MS = 30_000;
/** The return is damped: so long the site's addresses stay away. */
const AFTER_MS = 30_000;

/** Brings the sites up, makes each fault once, and takes them down; 25 minutes, of three sites 15. */
export async function gapsBench(
  name: keyof typeof BENCHES,
  say: (line: string) => void,
): Promise<readonly Figure[]> {
  const { federation, file, faults, says }: Bench = BENCHES[name];
  const up = () => bringUp(file);
  const state = freshState();
  process.env["XDG_STATE_HOME"] = state;
  process.env["KUBECONFIG"] = join(state, "kubeconfig");
  try {
    say(`${says} …`);
    await up();
    const plan = await labPlan(federation);
    const [site] = plan.sites;
    const authority = edgeAuthority(plan);
    if (!site || authority === undefined) throw new Error("the lab has no site, or no certificates");
    const context = openSite(plan, site);
    const ground = { plan, context, faults: openLabFaults(federation, context.hypervisor) };
    const servers = plan.sites.flatMap(({ network }) => network.external);
    const asking = startAsking(ground.faults.outside(), {
      host: `${SAMPLE}.${plan.domain}`,
      servers,
      authority,
    });
    try {
      const figures: Figure[] = [];
      for (const fault of faults) {
        const found = await measure({ ground, fault, asking, up, say });
        // Said at once: what was measured is not lost with a later one.
        for (const { figure, value, unit } of found) say(`  ${figure.trim()} ${value.toFixed(1)} ${unit}`);
        figures.push(...found);
      }
      return figures;
    } finally {
      await asking.end();
      await context.close();
    }
  } finally {
    await runProcess([LAUNCHER, "lab", "down", file]);
    rmSync(state, { recursive: true, force: true });
  }
}

interface Measuring {
  readonly ground: Ground;
  readonly fault: SiteFault;
  readonly asking: Asking;
  readonly up: () => Promise<void>;
  readonly say: (line: string) => void;
}

export async function measure({ ground, fault, asking, up, say }: Measuring): Promise<readonly Figure[]> {
  await calm(asking);
  say(`${fault.says} …`);
  const isElsewhere = await fault.podsElsewhere?.(ground);
  const from = Date.now();
  await fault.make(ground);
  const moved = isElsewhere && (await secondsUntil(isElsewhere, from));
  await sleep(from + HOLD_MS - Date.now());
  const lost = asking.since(from);
  const names = namesSeen(asking.answersSince(from), ground.context.site.network.external, from);
  const back = Date.now();
  await (fault.undo ? fault.undo(ground) : up());
  await sleep(AFTER_MS);
  const returned = seenBy(asking.since(back), "first", back);
  const [all, first] = [seenBy(lost, "all", from), seenBy(lost, "first", from)];
  for (const { troubles } of [first, returned]) if (troubles.length > 0) say(`  ${troubles.join("; ")}`);
  const { empty } = namesSeen(asking.answersSince(from), ground.context.site.network.external, from);
  const { says, goal } = fault;
  const seconds = (figure: string, value: number, wanted: string): Figure => ({
    figure,
    value,
    unit: "s",
    goal: wanted,
  });
  return [
    seconds(`${says}: longest without a page`, all.longest, goal),
    seconds("  a client that tries one address alone fails for", first.lastFailure, ""),
    seconds("  its return: that client's longest wait for a page", returned.longest, "0"),
    ...(moved === undefined ? [] : [seconds("  its pods are ready elsewhere after", moved, "≤ 15")]),
    ...(fault.losesSite
      ? [seconds("  the others' servers leave the site out after", names.leftOut, "≤ 6")]
      : []),
    ...(names.own > 0 && fault.losesSite
      ? [
          {
            figure: `  of its own ${names.own} answers, with itself alone`,
            value: names.alone,
            unit: "",
            goal: "0",
          },
        ]
      : []),
    { figure: "  answers without an address", value: empty, unit: "", goal: "0" },
  ];
}

/** NaN where it does not come about while the fault lasts. */
async function secondsUntil(holds: () => Promise<boolean>, from: number): Promise<number> {
  while (Date.now() - from < HOLD_MS) {
    // An API that is silent for a moment is asked again.
    if (await holds().catch(() => false)) return (Date.now() - from) / 1000;
    await sleep(LOOK_MS);
  }
  return Number.NaN;
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

export async function bringUp(file: string): Promise<void> {
  const { code, stderr } = await runProcess([LAUNCHER, "lab", "up", file, "--yes"]);
  if (code !== 0) throw new Error(`the lab did not come up: ${stderr.slice(-2000)}`);
}

function fileOf(name: string): string {
  return join(import.meta.dirname, name);
}
