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
    const aim = goal.survive ?? (Object.hasOwn(goal, "availability") ? "availability" : undefined);
    if (aim === undefined || !seen.has(aim)) {
      if (aim !== undefined) seen.add(aim);
      return [];
    }
    return [
      { code: "MODEL_GOAL", message: `the goal ${keys[0]} is here twice`, hint: "keep one of the two", path },
    ];
  });
};
