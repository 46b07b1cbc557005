/** The plan of the emulated server: the file's two ECAMs, both on it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseFederation } from "#model/parse.ts";
import { makePlan } from "#plan/make.ts";
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";

const FILE = join(import.meta.dirname, "site.yaml");
/** What the emulated server has room for, twice. */
const GUEST_MIB = 256;

export interface EmulatedSite {
  readonly plan: Plan;
  /** The site as it is planned, with machines that the server has no room for. */
  readonly whole: SitePlan;
  /** The site as the one server has it: two ECAMs. */
  readonly site: SitePlan;
  readonly machines: readonly [MachinePlan, MachinePlan];
}

/** The plan's two ECAMs, both on `left` and small. */
export async function emulatedSite(): Promise<EmulatedSite> {
  const plan = await makePlan(parseFederation(await readFile(FILE, "utf8"), FILE));
  const [planned] = plan.sites;
  const ecams = (planned?.machines ?? []).filter(({ role }) => role === "ecam");
  const [first, second] = ecams.map((machine) => ({ ...machine, server: "left", memoryMiB: GUEST_MIB }));
  if (!planned || !first || !second) throw new Error("the plan lost its machines");
  const servers = planned.servers.filter(({ name }) => name === "left");
  const site = { ...planned, servers, machines: [first, second] };
  return { plan, whole: planned, site, machines: [first, second] };
}
