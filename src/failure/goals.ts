/** Whether the goals of the file hold, and what breaks them. */
import type { Federation, Goal } from "#model/federation.ts";
import { type Component, componentsOf, type Promised } from "./graph.ts";
import type { GoalProof } from "./proof.ts";
import type { FaultSpread } from "./spread.ts";
import { whyBroken } from "./why.ts";

/** What a goal needs to know of the solved graph. */
export interface Breaks {
  /** The promises that each component's loss alone breaks, by id. */
  readonly alone: ReadonlyMap<string, readonly Promised[]>;
  /** Share of the time that services are reachable somewhere. */
  readonly somewhere: number;
}

export function proveGoals({ goals }: Federation, spread: FaultSpread, breaks: Breaks): readonly GoalProof[] {
  return goals.map((goal) =>
    goal.kind === "availability"
      ? {
          goal: `availability ${Number((goal.target * 100).toPrecision(12))} %`,
          holds: breaks.somewhere >= goal.target,
          broken: [],
          availability: { is: breaks.somewhere, wanted: goal.target },
        }
      : proveSurvival(goal, spread, breaks),
  );
}

type Survival = Extract<Goal, { kind: "survive" }>;

function proveSurvival(goal: Survival, spread: FaultSpread, { alone }: Breaks): GoalProof {
  const kind = KINDS[goal.what];
  const faults = componentsOf(spread.graph).filter(
    (component) =>
      component.kind === kind && (goal.at === undefined || goal.at.includes(component.site ?? "")),
  );
  const broken = faults.flatMap((component) => {
    const lost = (alone.get(component.id) ?? []).filter((promised) => matters(component, promised));
    const [first] = lost;
    if (first === undefined) return [];
    return [
      {
        cut: [component.id],
        breaks: lost.map(({ id }) => id),
        why: whyBroken(spread, first, [component.id]),
      },
    ];
  });
  const where = goal.at ? ` at ${goal.at.join(", ")}` : "";
  return { goal: `survive ${goal.what}${where}`, holds: broken.length === 0, broken };
}

const KINDS = { "any machine": "machine", "any server": "server", "any site": "site" } as const;

/**
 * A lost site takes its own promises with it, whatever is done; and changes stop
 * until the crown is moved, which the promise of the crown covers. What the
 * others promise must hold.
 */
function matters(component: Component, promised: Promised): boolean {
  if (component.kind !== "site") return true;
  return promised.site !== component.site && promised.kind !== "changes";
}
