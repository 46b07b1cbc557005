/** How each component is made from its sources, the best that works first. */
import { join } from "node:path";
import { worldFailed } from "#base/errors.ts";
import { makeSteering, makeSteeringRuntime } from "./steering.ts";
import { AGENT_ARCHIVE, makeAgent, makeRuntime, writtenImage } from "./agent.ts";
import type { Component, ComponentName } from "./catalogue.ts";
import { Unreachable } from "./download.ts";
import { buildGo, prepareGo } from "./golang.ts";
import { ALL_IMAGES, type ImageParts, imageSpecs } from "./images.ts";
import { writeImages } from "./imagetar.ts";
import { makeNodeLayer } from "./nodelayer.ts";
import { releaseArchitecture, takeOfficial } from "./official.ts";
import { makeSeed } from "./seed.ts";
import type { GoSource, OfficialSource } from "./source.ts";

/** Folders of what a component is put together from. */
export type Parts = Readonly<Partial<Record<ComponentName, string>>>;

export interface MakeOptions {
  readonly cacheDir: string;
  readonly out: string;
  readonly scratch: string;
  readonly signal: AbortSignal;
  /** Hosts that stayed silent in this run. */
  readonly unreachable: Set<string>;
  /** Runs one compile at a time: each uses every core already. */
  readonly oneBuild: (work: () => Promise<string>) => Promise<string>;
  readonly say: (what: string, fraction?: number) => void;
}

export const IMAGE_ARCHIVE = "images.tar";

/** Makes the component into `options.out` and says where it came from. */
export async function makeComponent(
  component: Component,
  parts: Parts,
  options: MakeOptions,
): Promise<string> {
  const silent: string[] = [];
  for (const source of component.sources) {
    switch (source.by) {
      case "official":
        try {
          return await official(source, options);
        } catch (error) {
          if (!(error instanceof Unreachable)) throw error;
          silent.push(error.message);
          break;
        }
      case "go":
        return await build(source, options);
      case "assembled":
        await assemble(component.name, parts, options);
        return `put together from ${source.from.join(", ")}`;
      case "debian":
        throw new Error("the base root has a maker of its own");
    }
  }
  throw worldFailed(
    "COMPONENT_NO_SOURCE",
    `no source of ${component.name} can be reached: ${silent.join("; ")}`,
  );
}

function official(source: OfficialSource, options: MakeOptions): Promise<string> {
  return takeOfficial(source, options.out, { ...options, partsDir: join(options.cacheDir, "downloads") });
}

/** Modules are downloaded beside other work; compiling waits for its turn. */
async function build(source: GoSource, options: MakeOptions): Promise<string> {
  const prepared = await prepareGo(source, options);
  options.say("waiting for the compiler");
  return options.oneBuild(() => buildGo(prepared, options.out, options));
}

async function assemble(name: ComponentName, parts: Parts, options: MakeOptions): Promise<void> {
  if (name === "node-layer") return makeNodeLayer(parts, options.out);
  if (name === "images") {
    const specs = await imageSpecs(imageParts(parts));
    await writeImages(specs, releaseArchitecture(), join(options.out, IMAGE_ARCHIVE), options.scratch);
    return;
  }
  if (name === "agent-runtime") return makeRuntime(part(parts, "base-root"), options.out, options.scratch);
  if (name === "agent") return makeAgent(part(parts, "agent-runtime"), options.out, options.scratch);
  if (name === "steering-runtime") return makeSteeringRuntime(options.out);
  if (name === "steering") return makeSteering(options.out);
  if (name === "containerd-seed") {
    const runtime = part(parts, "agent-runtime");
    const archives = [join(part(parts, "images"), IMAGE_ARCHIVE), join(runtime, AGENT_ARCHIVE)];
    const images = [...ALL_IMAGES, (await writtenImage(runtime)).name];
    return makeSeed(options.out, { ...options, bin: part(parts, "containerd"), archives, images });
  }
  throw new Error(`nothing here puts ${name} together`);
}

function imageParts(parts: Parts): ImageParts {
  return {
    kubernetes: part(parts, "kubernetes"),
    etcd: part(parts, "etcd"),
    coredns: part(parts, "coredns"),
    traefik: part(parts, "traefik"),
    metallb: part(parts, "metallb"),
    metricsServer: part(parts, "metrics-server"),
    pause: part(parts, "pause"),
    echo: part(parts, "echo"),
    baseRoot: part(parts, "base-root"),
  };
}

function part(parts: Parts, name: ComponentName): string {
  const folder = parts[name];
  if (folder === undefined) throw new Error(`${name} was not made before what needs it`);
  return folder;
}
