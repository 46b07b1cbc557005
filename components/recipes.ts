/** What decides each component's result, so that its key in the store can be known before it is made. */
import { type Component, type ComponentName } from "./catalogue.ts";
import { agentRecipe, runtimeRecipe } from "./agent.ts";
import { BASE_ROOT_INDEX } from "./baseroot.ts";
import { buildFlags, moduleFiles } from "./golang.ts";
import { IMAGES_REVISION } from "./images.ts";
import { NODE_PROGRAMS } from "./nodelayer.ts";
import { SEED_REVISION } from "./seed.ts";
import { keyOf, lastEntry, findEntry, type StoredEntry } from "./store.ts";
import { STEERING_REVISION } from "./steering.ts";
import type { GoSource } from "./source.ts";

const ASSEMBLY: Partial<Record<ComponentName, () => unknown>> = {
  "node-layer": () => NODE_PROGRAMS,
  images: () => IMAGES_REVISION,
  "agent-runtime": runtimeRecipe,
  "containerd-seed": () => SEED_REVISION,
  agent: agentRecipe,
  "steering-runtime": async () => [STEERING_REVISION, await runtimeRecipe()],
  steering: async () => [STEERING_REVISION, await agentRecipe()],
};

/** The recipe of anything but the base root; `keys` has the store keys of what it is put together from. */
export async function recipeOf(
  component: Component,
  keys: Readonly<Partial<Record<ComponentName, string>>>,
): Promise<unknown> {
  const assembly = ASSEMBLY[component.name];
  const go = component.sources.find((source) => source.by === "go");
  return {
    architecture: process.arch,
    sources: component.sources,
    ...(go && { build: await buildRecipe(go) }),
    ...(assembly && { assembly: await assembly(), keys }),
  };
}

/** What is there of each component, for the present recipes; parts before what is made of them. */
export async function findReady(
  catalogue: readonly Component[],
  cacheDir: string,
): Promise<ReadonlyMap<ComponentName, StoredEntry>> {
  const ready = new Map<ComponentName, StoredEntry>();
  for (const component of catalogue) {
    const entry = await findOne(component, cacheDir, ready);
    if (entry) ready.set(component.name, entry);
  }
  return ready;
}

/** Names of the components that this one is put together from. */
export function partsOf(component: Component): readonly ComponentName[] {
  return component.sources.flatMap((source) => (source.by === "assembled" ? source.from : []));
}

async function findOne(
  component: Component,
  cacheDir: string,
  ready: ReadonlyMap<ComponentName, StoredEntry>,
): Promise<StoredEntry | undefined> {
  if (component.name === "base-root") return lastEntry(cacheDir, BASE_ROOT_INDEX);
  const keys: Partial<Record<ComponentName, string>> = {};
  for (const part of partsOf(component)) {
    const key = ready.get(part)?.key;
    if (key === undefined) return undefined;
    keys[part] = key;
  }
  return findEntry(cacheDir, keyOf(component.name, component.version, await recipeOf(component, keys)));
}

async function buildRecipe(source: GoSource): Promise<object> {
  return { flags: buildFlags(source), files: await moduleFiles(source.module) };
}
