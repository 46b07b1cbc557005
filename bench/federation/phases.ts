/** What is measured of a contender, each phase on its own. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Kube } from "#ports/kube.ts";
import type { Contender } from "./contender.ts";
import { residentMiB, settled, spentBy } from "./costs.ts";
import {
  carryOut,
  copyOf,
  CREATE,
  DELETE,
  forEach,
  MAPS,
  namesOf,
  type Operation,
  SPACE,
  UPDATE,
} from "./objects.ts";
import type { Observer } from "./observer.ts";

export interface Arena {
  readonly contender: Contender;
  readonly hub: Kube;
  readonly observer: Observer;
  /** The hub's writes per second where nothing is asked for. */
  readonly idle: number;
  /** Keeps a figure by its name in the table. */
  readonly keep: (name: string, value: number) => void;
}

const APART_MS = 250;
/** kubefed looks at what members tell it ten seconds later; nothing of that may be left. */
const CALM_MS = 15_000;
const LOOK_MS = 100;
const LONGEST_MS = 600_000;

function act({ hub, contender }: Arena, operation: Operation, name: string): Promise<void> {
  return carryOut(
    hub,
    operation,
    name,
    contender.members.map((member) => member.name),
  );
}

/** Objects one by one: milliseconds from the request until both members have told of it. */
export async function singles(arena: Arena, count: number): Promise<void> {
  for (const operation of [CREATE, UPDATE]) {
    const took: number[] = [];
    for (const name of namesOf("single", count)) {
      const seen = arena.observer.all([name], operation.value);
      const began = performance.now();
      await act(arena, operation, name);
      took.push(((await seen)[0] ?? Number.NaN) - began);
      await sleep(APART_MS);
    }
    arena.keep(`single ${operation.verb} p50`, shareOf(took, 0.5));
    arena.keep(`single ${operation.verb} p99`, shareOf(took, 0.99));
  }
}

/** Copies changed or deleted by hand: milliseconds from the member's word of it to its word that all is well again. */
export async function drifts({ observer, contender, keep }: Arena, count: number): Promise<void> {
  const [member] = contender.members;
  const kube = member?.open();
  for (const what of ["changed", "deleted"] as const) {
    await sleep(CALM_MS);
    const lost = new Map<string, number>();
    const took: number[] = [];
    const all = Promise.withResolvers<void>();
    const stop = observer.listen((index, name, value, at) => {
      if (index !== 0) return;
      if (value !== UPDATE.value) lost.set(name, at);
      else if (lost.has(name)) {
        took.push(at - (lost.get(name) ?? at));
        lost.delete(name);
        if (took.length === count) all.resolve();
      }
    });
    for (const name of namesOf("single", count)) {
      if (what === "deleted") await kube?.delete(copyOf(name));
      else await kube?.patch(copyOf(name), { data: { value: "by hand" } });
      await sleep(APART_MS);
    }
    await Promise.race([all.promise, sleep(60_000, undefined, { ref: false })]);
    stop();
    if (took.length < count) throw new Error(`${count - took.length} of ${count} copies were not restored`);
    keep(`${what} p50`, shareOf(took, 0.5));
    keep(`${what} p99`, shareOf(took, 0.99));
  }
}

/** Many at once: objects a second until both members have the last, and what each costs. */
export async function burst(
  arena: Arena,
  count: number,
  operations: readonly Operation[],
  label: string,
): Promise<void> {
  const { contender, hub, observer, idle, keep } = arena;
  const names = namesOf(label, count);
  for (const operation of operations) {
    const before = await spentBy(contender, hub);
    const seen = observer.all(names, operation.value);
    const began = performance.now();
    await forEach(names, (name) => act(arena, operation, name));
    keep(`${label} ${operation.verb}`, (count * 1000) / (Math.max(...(await seen)) - began));
    await settled(hub, idle);
    const after = await spentBy(contender, hub);
    const each = (part: "controllers" | "hubServer" | "hubStore" | "memberServers") =>
      (after[part] - before[part]) / count;
    const background = (idle * (after.at - before.at)) / 1000;
    keep(`${label} ${operation.verb} writes`, (after.writes - before.writes - background) / count);
    keep(`${label} ${operation.verb} cpu`, each("controllers") + each("hubServer"));
    keep(
      `${label} ${operation.verb} all cpu`,
      each("controllers") + each("hubServer") + each("hubStore") + each("memberServers"),
    );
  }
}

/** A member is down while `operation` is done to objects: seconds from its return until it has them all. */
export async function absence(
  arena: Arena,
  names: readonly string[],
  operation: Operation,
  awaySeconds: number,
  label: string,
): Promise<void> {
  const { contender, observer, keep } = arena;
  const member = contender.members[1];
  if (!member) throw new Error("there are two members");
  const since = performance.now();
  await member.apiServer.kill();
  await sleep(1000);
  const healthy = observer.all(names, operation.value, [0]);
  const began = performance.now();
  await forEach(names, (name) => act(arena, operation, name));
  keep(`${label} healthy`, (Math.max(...(await healthy)) - began) / 1000);
  await sleep(Math.max(0, since + awaySeconds * 1000 - performance.now()));
  await member.apiServer.start();
  const returned = performance.now();
  // Asked and not watched: a watch of ours would come back when it likes.
  while (!(await holdsAll(member.open(), names, operation.value))) {
    if (performance.now() - returned > LONGEST_MS) throw new Error("the returned member never had them all");
    await sleep(LOOK_MS);
  }
  keep(`${label} returned`, (performance.now() - returned) / 1000);
}

async function holdsAll(kube: Kube, names: readonly string[], value: string | undefined): Promise<boolean> {
  const { items } = await kube.list({ resource: MAPS, namespace: SPACE });
  const values = new Map(items.map((map) => [map.metadata?.name, map.data?.["value"]]));
  return names.every((name) => values.get(name) === value);
}

export function memory({ contender, keep }: Arena, label: string): void {
  const each = residentMiB(contender.controllers());
  keep(`memory ${label} most`, Math.max(...each));
  keep(
    `memory ${label} sum`,
    each.reduce((sum, one) => sum + one, 0),
  );
}

export const OPERATIONS: readonly Operation[] = [CREATE, UPDATE, DELETE];

function shareOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
