/** The trees these tests look at: an example rendered for each ground. */
import { readFileSync } from "node:fs";
import { parseFederation } from "#model/parse.ts";
import { makePlan } from "#plan/make.ts";
import type { Plan } from "#plan/plan.ts";
import { type Platform, type RenderedFile, XEN, labPlatform } from "#render/files.ts";
import { renderSeed } from "#render/seed.ts";
import { renderTree } from "#render/tree.ts";

export type Tree = Readonly<Record<string, RenderedFile>>;

/** The grounds by name. */
export const PLATFORMS: Readonly<Record<string, Platform>> = {
  lab: labPlatform("v1"),
  "lab-v2": labPlatform("v2"),
  xen: XEN,
};

/** The whole tree of one of the examples. */
export async function exampleTree(example: string, platform: string): Promise<Tree> {
  const plan = await examplePlan(example);
  return renderTree(plan, () => ground(platform));
}

/** The seed of an example's first machine, with keys that open nothing. */
export async function exampleSeed(example: string, platform: string): Promise<readonly RenderedFile[]> {
  const plan = await examplePlan(example);
  const site = plan.sites[0];
  const machine = site?.machines[0];
  if (site === undefined || machine === undefined) throw new Error(`${example} has no machine`);
  return renderSeed(plan, site, machine, ground(platform), {
    authorizedKey: "ssh-ed25519 AAAA",
    hostKeyPrivate: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    hostKeyPublic: "ssh-ed25519 AAAA",
  });
}

async function examplePlan(example: string): Promise<Plan> {
  const file = new URL(`../../../examples/${example}.yaml`, import.meta.url);
  return makePlan(parseFederation(readFileSync(file, "utf8"), `${example}.yaml`));
}

function ground(platform: string): Platform {
  const found = PLATFORMS[platform];
  if (found === undefined) throw new Error(`no platform ${platform}`);
  return found;
}
