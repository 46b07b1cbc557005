import { join } from "node:path";
import type { Plan } from "#plan/plan.ts";
import { stateDir } from "./folders.ts";

/** Where the keys of all front doors are: beside the folders that sites give their names to. */
export function edgeFolder(plan: Pick<Plan, "federation">): string {
  return join(stateDir(plan.federation), "edge");
}
