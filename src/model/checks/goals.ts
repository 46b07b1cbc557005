import type { Mistake } from "../mistakes.ts";
import type { Check } from "./check.ts";

/** Each goal is one aim, and each aim is said once. */
export const checkGoals: Check = (_, input) => {
  const seen = new Set<string>();
  return (input.goals ?? []).flatMap((goal, index): readonly Mistake[] => {
    if (goal === undefined) return [];
    const path = ["goals", index];
    const keys = ["survive", "availability"].filter((key) => Object.hasOwn(goal, key));
    const one = "write one goal in each entry, such as - survive: any server";
    if (keys.length === 0) return [{ code: "MODEL_GOAL", message: "the goal is empty", hint: one, path }];
    if (keys.length > 1)
      return [{ code: "MODEL_GOAL", message: "two goals are in one entry", hint: one, path }];
    if (Object.hasOwn(goal, "at") && keys[0] === "availability") {
      const message = "the availability goal is given for some sites";
      const hint = "remove at: an availability is the whole federation's";
      return [{ code: "MODEL_GOAL", message, hint, path: [...path, "at"] }];
    }
    const known = goal.survive ?? (Object.hasOwn(goal, "availability") ? "availability" : undefined);
    const aim = known && [known, ...(goal.at?.toSorted() ?? [])].join(" ");
    if (aim === undefined || !seen.has(aim)) {
      if (aim !== undefined) seen.add(aim);
      return [];
    }
    return [
      { code: "MODEL_GOAL", message: `the goal ${keys[0]} is here twice`, hint: "keep one of the two", path },
    ];
  });
};
