/** The programs of a bare control plane, from the component store; nothing is downloaded or built here. */
import { join } from "node:path";
import type { TestContext } from "vitest";
import { cacheDir } from "#app/folders.ts";
import { CATALOGUE, type ComponentName } from "#components/catalogue.ts";
import { findReady } from "#components/recipes.ts";

export interface PlanePrograms {
  readonly etcd: string;
  readonly etcdctl: string;
  readonly apiServer: string;
  readonly controllerManager: string;
}

const NEEDED: readonly ComponentName[] = ["kubernetes", "etcd"];

/**
 * Why no plane can be started here, in words; undefined where it can.
 * @param more components that are needed beside the plane's
 */
export async function planeObstacle(...more: readonly ComponentName[]): Promise<string | undefined> {
  const ready = await findReady(CATALOGUE, cacheDir());
  const missing = [...NEEDED, ...more].filter((name) => !ready.has(name));
  if (missing.length === 0) return undefined;
  return `needs the components ${missing.join(" and ")}: run \`panopticon components get ${missing.join(" ")}\``;
}

/** For `beforeEach`: skips aloud where no plane can be started, and fails where CI is set. */
export function skipWithoutPlanes(context: TestContext, obstacle: string | undefined): void {
  if (obstacle === undefined) return;
  if (process.env["CI"]) throw new Error(obstacle);
  context.skip(obstacle);
}

export async function planePrograms(): Promise<PlanePrograms> {
  const obstacle = await planeObstacle();
  if (obstacle !== undefined) throw new Error(obstacle);
  const ready = await findReady(CATALOGUE, cacheDir());
  const program = (component: ComponentName, name: string): string =>
    join(ready.get(component)?.out ?? "", name);
  return {
    etcd: program("etcd", "etcd"),
    etcdctl: program("etcd", "etcdctl"),
    apiServer: program("kubernetes", "kube-apiserver"),
    controllerManager: program("kubernetes", "kube-controller-manager"),
  };
}

/** The folder of a component's programs and files; fails where it is not there. */
export async function componentFolder(name: ComponentName): Promise<string> {
  const entry = (await findReady(CATALOGUE, cacheDir())).get(name);
  if (entry) return entry.out;
  throw new Error(`needs the component ${name}: run \`panopticon components get ${name}\``);
}
