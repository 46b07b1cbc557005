/** What somebody outside sees of a service while parts of a site fail and return, in a lab of two or three sites. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { labPlan, openSite } from "#app/lab.ts";
import { edgeAuthority } from "#app/lab-internet.ts";
import { runProcess } from "#base/process.ts";
import { openLabFaults } from "#drivers/lab/faults.ts";
import { freshState } from "../../test/journeys/panopticon.ts";
import type { Figure } from "../figure.ts";
import { SAMPLE, SITE_FAULTS, type SiteFault, SMALL_SITE_FAULTS } from "./faults.ts";
import { measure } from "./measure.ts";
import { startAsking } from "./watch.ts";

const LAUNCHER = join(import.meta.dirname, "../../panopticon");

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

async function bringUp(file: string): Promise<void> {
  const { code, stderr } = await runProcess([LAUNCHER, "lab", "up", file, "--yes"]);
  if (code !== 0) throw new Error(`the lab did not come up: ${stderr.slice(-2000)}`);
}

function fileOf(name: string): string {
  return join(import.meta.dirname, name);
}
