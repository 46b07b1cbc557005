/** What sites on servers are brought beside the guests' images: no root of the lab's, and nothing that needs root here. */
import { basename, dirname } from "node:path";
import type { Emit } from "#base/events.ts";
import { PLATFORM } from "#components/catalogue.ts";
import { type AgentImage, getComponents, readyAgent, readyManifests, readyProgram } from "#components/get.ts";
import { nodeArchive } from "#components/node-archive.ts";
import type { Program } from "#components/steering.ts";
import type { NodeSoftware } from "#converge/software.ts";
import { type Manifests, readManifests } from "./add-ons.ts";
import { cacheDir } from "./folders.ts";

export interface ServerComponents {
  readonly software: NodeSoftware;
  readonly manifests: Manifests;
  readonly agent: AgentImage | undefined;
  readonly program: Program | undefined;
}

/** The lab's own: the root under its machines, and a copy of containerd's folder. */
const OF_THE_LAB: readonly string[] = ["base-root", "containerd-seed"];

/** Gets all, made first where it is not there. */
export async function serverComponents(emit: Emit): Promise<ServerComponents> {
  const names = PLATFORM.map(({ name }) => name).filter((name) => !OF_THE_LAB.includes(name));
  const got = await getComponents(names, { emit, cacheDir: cacheDir() });
  const { nodeLayer, imageArchive, agent, program } = got;
  if (nodeLayer === undefined || imageArchive === undefined) {
    throw new RangeError("components were got, and two of them were not");
  }
  // ROOT/store/KEY/out/FILE
  const key = basename(dirname(dirname(imageArchive)));
  const programs = await nodeArchive(cacheDir(), nodeLayer);
  const images = { name: key.slice(0, 12), archive: imageArchive };
  return { software: { programs, images }, manifests: await readManifests(got.manifests), agent, program };
}

/** What a dry run knows of them: where they were not made, every node is said to lack them. */
export async function presentComponents(): Promise<ServerComponents> {
  const [manifests, agent, program] = await Promise.all([
    readyManifests(cacheDir()).then(readManifests),
    readyAgent(cacheDir()),
    readyProgram(cacheDir()),
  ]);
  const unmade = { name: "not-made-yet" };
  return { software: { programs: unmade, images: unmade }, manifests, agent, program };
}
