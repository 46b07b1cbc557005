/** What a drill stands on, put together from the lab's drivers; and taking back what a killed drill has left. */
import { join } from "node:path";
import type { Emit } from "#base/events.ts";
import { sha256, stableJson } from "#base/hash.ts";
import type { SiteContext } from "#converge/phase.ts";
import { openLabFaults } from "#drivers/lab/faults.ts";
import { buildGraph } from "#failure/build.ts";
import { catalogue } from "#lifecycle/drill/catalogue.ts";
import type { DrillSite } from "#lifecycle/drill/fault.ts";
import { takeBack } from "#lifecycle/drill/take-back.ts";
import { together } from "#lifecycle/drill/select.ts";
import { type DrillState, openDrillState } from "#lifecycle/drill/state.ts";
import type { Federation } from "#model/federation.ts";
import type { Plan } from "#plan/plan.ts";
import { stateDir } from "./folders.ts";

/** Each site with the faults that its ground can make. */
export function drillSites(federation: string, contexts: readonly SiteContext[]): readonly DrillSite[] {
  return contexts.map((context) => ({ context, faults: openLabFaults(federation, context.hypervisor) }));
}

export function drillState(plan: Plan): DrillState {
  return openDrillState(join(stateDir(plan.federation), "drill"), sha256(stableJson(plan)));
}

/** Takes back what a drill that was killed has left at these sites; whether it left anything. */
export async function healAfterDrill(
  federation: Federation,
  plan: Plan,
  contexts: readonly SiteContext[],
  emit: Emit,
): Promise<boolean> {
  const state = drillState(plan);
  if (!state.open()) return false;
  const { components, others } = catalogue(federation, plan, buildGraph(federation, plan));
  const known = new Map([...components, ...others].map((fault) => [fault.id, fault]));
  const faultOf = (id: string) => {
    const [left, right] = id.split(" + ").map((part) => known.get(part));
    return left && right ? together(left, right) : left;
  };
  await takeBack(drillSites(plan.federation, contexts), state, faultOf, emit);
  return true;
}
