/**
 * Before the journeys: takes down the labs of journeys and benches that were killed. Their
 * machines and names would stand in the way of the next ones.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { abandonedStates, panopticon } from "./panopticon.ts";

const FILES = [
  join(import.meta.dirname, "../../examples/two-sites.yaml"),
  join(import.meta.dirname, "one-site.yaml"),
  join(import.meta.dirname, "guest-site.yaml"),
  join(import.meta.dirname, "../../bench/gaps/ground.yaml"),
];

export default async function sweep(): Promise<void> {
  for (const state of abandonedStates()) {
    const codes: number[] = [];
    for (const file of FILES) codes.push((await panopticon(state, "lab", "down", file)).code);
    if (codes.every((code) => code === 0)) rmSync(state, { recursive: true, force: true });
  }
}
