/** Puts the same load on our agents and on the real kubefed, one after the other, and sets their figures side by side. */
import type { Figure } from "../figure.ts";
import { type Contender, startOurs, startPeer } from "./contender.ts";
import { idleWrites } from "./costs.ts";
import { CREATE, DELETE, namesOf, UPDATE } from "./objects.ts";
import { observe } from "./observer.ts";
import { absence, type Arena, burst, drifts, memory, OPERATIONS, singles } from "./phases.ts";
import { type Size, SIZES, type SizeName } from "./size.ts";
import { rowsOf } from "./table.ts";

const IDLE_SECONDS = 10;

/** Three planes for each: a hub that is no member, and two members on which everything is placed. */
export async function federationBench(
  say: (line: string) => void,
  sizeName: SizeName,
): Promise<readonly Figure[]> {
  const size = SIZES[sizeName];
  const peer = await measure(startPeer, size, size.large.peer, say);
  const ours = await measure(startOurs, size, size.large.ours, say);
  return rowsOf(size).map(({ key, figure, unit, goal }) => ({
    figure,
    value: ours.get(key) ?? Number.NaN,
    unit,
    goal,
    beside: { name: "kubefed", value: peer.get(key) ?? Number.NaN },
  }));
}

async function measure(
  start: () => Promise<Contender>,
  size: Size,
  large: number | undefined,
  say: (line: string) => void,
): Promise<ReadonlyMap<string, number>> {
  const figures = new Map<string, number>();
  const contender = await start();
  const observer = await observe(contender.members);
  const hub = contender.hub.open();
  try {
    const warm = { contender, hub, observer, idle: 0, keep: () => undefined };
    await burst(warm, 5, OPERATIONS, "warm");
    const idle = await idleWrites(hub, IDLE_SECONDS);
    const arena: Arena = { ...warm, idle, keep: (name, value) => void figures.set(name, value) };
    arena.keep("idle writes", idle * 60);
    for (const [name, phase] of phasesOf(arena, size, large)) {
      say(`${contender.name}: ${name}`);
      await phase().catch((error: Error) => say(`${contender.name}: ${name} was not done: ${error.message}`));
    }
  } finally {
    await observer.end();
    await contender.remove();
  }
  return figures;
}

type Phase = readonly [string, () => Promise<void>];

function phasesOf(arena: Arena, size: Size, large: number | undefined): readonly Phase[] {
  const { away, missed } = size;
  const most: readonly Phase[] =
    large === undefined
      ? []
      : [
          [`${large} creates and updates`, () => burst(arena, large, [CREATE, UPDATE], "large")],
          ["memory with them", async () => memory(arena, "large")],
          [
            `a member down for ${away} s, ${large} changes`,
            () => absence(arena, namesOf("large", large), CHANGE, away, "changes"),
          ],
          [`${large} deletes`, () => burst(arena, large, [DELETE], "large")],
        ];
  return [
    ["memory", async () => memory(arena, "idle")],
    [`${size.singles} objects one by one`, () => singles(arena, size.singles)],
    [`${size.singles} copies changed and deleted by hand`, () => drifts(arena, size.singles)],
    [`${size.burst} creates, updates and deletes`, () => burst(arena, size.burst, OPERATIONS, "burst")],
    [
      `a member down for ${away} s, ${missed} creates`,
      () => absence(arena, namesOf("missed", missed), CREATE, away, "missed"),
    ],
    ...most,
  ];
}

/** An update to what was updated before. */
const CHANGE = { verb: "update", value: "3" } as const;
