/** Which addresses a federation's names have at present, as whoever uses them learns it. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { Resolver } from "node:dns/promises";
import { labNames } from "#drivers/lab/names.ts";
import type { Plan } from "#plan/plan.ts";
import { previousPlan } from "./files.ts";
import { stateHome } from "./folders.ts";
import { labDig } from "./lab-internet.ts";

/** More names than a person reads at a glance are not asked for. */
const ASKED = 20;
const PATIENCE = { timeout: 2000, tries: 1 };

export interface NameGlance {
  readonly name: string;
  /** IPv4, in order; of a lab those that any site's name server gives. */
  readonly addresses: readonly string[];
  /** A resolver's code such as ENOTFOUND, where there is no address. */
  readonly trouble?: string;
}

/**
 * The names of a federation whose lab runs here are asked from its internet,
 * others as this machine resolves names. No name is an error.
 * @param sites of the federation, by name
 */
export async function namesGlance(
  names: readonly string[],
  sites: readonly string[],
): Promise<readonly NameGlance[]> {
  const asked = [...new Set(names)].filter((name) => !name.startsWith("*.")).slice(0, ASKED);
  if (asked.length === 0) return [];
  const plan = await runningLab(sites);
  return Promise.all(asked.map((name) => (plan ? byLab(plan, name) : byResolver(name))));
}

async function byLab(plan: Plan, name: string): Promise<NameGlance> {
  const heard = await labDig(plan, name, "A");
  const found = heard.flatMap(({ records }) => records.map(({ value }) => value));
  return glance(name, found, heard.find(({ failure }) => failure !== undefined)?.failure);
}

async function byResolver(name: string): Promise<NameGlance> {
  try {
    return glance(name, await new Resolver(PATIENCE).resolve4(name));
  } catch (error) {
    return glance(name, [], (error as NodeJS.ErrnoException).code);
  }
}

function glance(name: string, found: readonly string[], trouble = "ENODATA"): NameGlance {
  const addresses = [...new Set(found)].toSorted();
  return { name, addresses, ...(addresses.length === 0 && { trouble }) };
}

/** The plan of the lab with these sites; undefined where none is up here that we may look into. */
async function runningLab(sites: readonly string[]): Promise<Plan | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const folder of await readdir(stateHome()).catch(() => [])) {
    if (!existsSync(`/run/netns/${labNames(folder).internet}`)) continue;
    const plan = await previousPlan(folder);
    if (plan && sites.every((site) => plan.sites.some(({ name }) => name === site))) return plan;
  }
  return undefined;
}
