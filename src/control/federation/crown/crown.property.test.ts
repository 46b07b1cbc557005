import fc from "fast-check";
import { expect, it } from "vitest";
import { roundOf } from "./epoch.ts";
import type { SimulatedSite } from "../test/parts.ts";
import { Federation } from "../test/simulator.ts";

const NAMES = ["attic", "barn", "cellar", "dairy"];
const site = fc.nat(NAMES.length - 1);

const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("write"), site, key: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete"), site, key: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("own"), site }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("sync"),
      site,
      other: site,
      killed: fc.option(fc.nat(6), { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("gossip"), site, other: site }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("take"), site, force: fc.boolean(), dies: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("move"), site, impatient: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("cut"), pairs: fc.array(fc.tuple(site, site), { maxLength: 5 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash"), site }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("start"), site }) },
);

/** A witness that is cut off, dies in the middle of an answer, and comes back with what it had kept. */
const watched = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("take"),
      site,
      dies: fc.boolean(),
      witnessDies: fc.integer({ max: 3, min: 0 }).map((one) => one === 0),
      untold: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("cut"),
      pairs: fc.array(fc.tuple(site, site), { maxLength: 5 }),
      unwatched: fc.array(site, { maxLength: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("witness"), alive: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash"), site }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("start"), site }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("gossip"), site, other: site }) },
);

interface Happening {
  readonly do: string;
  readonly site?: number;
  readonly other?: number;
  readonly key?: number;
  readonly killed?: number | undefined;
  readonly force?: boolean;
  readonly dies?: boolean;
  readonly impatient?: boolean;
  readonly pairs?: readonly (readonly [number, number])[];
  /** Sites that the witness is cut off from. */
  readonly unwatched?: readonly number[];
  readonly alive?: boolean;
  readonly witnessDies?: boolean;
  readonly untold?: boolean;
}

function happen(federation: Federation, what: Happening): void {
  const at = (index = 0) => federation.sites[index % federation.sites.length] as SimulatedSite;
  const here = at(what.site);
  const there = at(what.other);
  const { witness } = federation;
  const doings: Readonly<Record<string, () => void>> = {
    write: () => federation.write(here, `k${what.key}`, "write"),
    delete: () => federation.write(here, `k${what.key}`, "delete"),
    own: () => federation.mirrorOwn(here),
    sync: () => federation.sync(here, there, what.killed ?? Number.POSITIVE_INFINITY),
    gossip: () => federation.gossip(here, there),
    take: () => federation.take(here, what),
    move: () => federation.moveStep(here, what.impatient ?? false),
    cut: () =>
      (federation.cut = [
        ...(what.pairs ?? []).map(([a, b]) => [at(a).name, at(b).name] as const),
        ...(what.unwatched ?? []).map((index) => [at(index).name, witness?.name ?? ""] as const),
      ]),
    witness: () => witness && (witness.alive = what.alive ?? true),
    crash: () => (here.alive = false),
    start: () => (here.alive = true),
  };
  doings[what.do]?.();
}

/** Accepted writes that are neither at the hub, nor replaced by a later one at their own hub, nor a conflict. */
function lost(federation: Federation, hub: SimulatedSite): readonly string[] {
  const conflicts = [...hub.conflicts.values()];
  const replaced = new Set(federation.accepted.map(({ before }) => before));
  return federation.accepted
    .filter(({ write, key, kind, before }) => {
      const current = hub.hub?.store.get(key)?.write;
      if (kind === "delete")
        return current === before && !conflicts.some((one) => one.operation === "Delete" && one.name === key);
      return current !== write && !replaced.has(write) && !conflicts.some(({ hash }) => hash === write);
    })
    .map(({ write, kind, key }) => `${kind} ${write} of ${key}`);
}

it("loses no accepted write, crowns no two sites in one epoch, and deletes nothing that nobody deleted", () => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 5, maxLength: 60 }), (events) => {
      const federation = new Federation(NAMES);
      for (const one of events) happen(federation, one);
      const hub = federation.heal();
      const epochs = new Map<number, string>();
      for (const [epoch, holder] of federation.crownings) {
        expect(epochs.get(epoch) ?? holder).toBe(holder);
        epochs.set(epoch, holder);
      }
      expect(federation.sites.map(({ crown }) => crown.holder)).toEqual(NAMES.map(() => hub.name));
      expect(lost(federation, hub)).toEqual([]);
      expect(federation.misdeeds).toEqual([]);
      const disputed = new Set([...hub.conflicts.values()].map((one) => one.name));
      const live = (one: SimulatedSite) =>
        [...one.mirrors.values()]
          .filter(({ tombstone, name }) => !tombstone && !disputed.has(name))
          .map(({ name, hash }) => `${name}=${hash}`)
          .toSorted();
      for (const one of federation.sites) expect(live(one)).toEqual(live(hub));
    }),
    { numRuns: 1000 },
  );
});

it("loses nothing and disputes nothing when the crown is moved as planned, whatever is cut short", () => {
  fc.assert(
    fc.property(
      fc.array(
        event.filter(({ do: what }) => what !== "take"),
        { maxLength: 60 },
      ),
      (events) => {
        const federation = new Federation(NAMES);
        for (const one of events) happen(federation, one);
        const hub = federation.heal();
        expect(lost(federation, hub)).toEqual([]);
        expect([...hub.conflicts.values()]).toEqual([]);
      },
    ),
    { numRuns: 1000 },
  );
});

it.each([2, 4])("with a witness crowns one of %i sites a round, whoever is cut off or dies", (count) => {
  let taken = 0;
  fc.assert(
    fc.property(fc.array(fc.oneof(event, watched), { minLength: 5, maxLength: 60 }), (events) => {
      const federation = new Federation(NAMES.slice(0, count), true);
      for (const one of events) happen(federation, one);
      const rounds = federation.takes.map(({ epoch }) => roundOf(epoch));
      expect(new Set(rounds).size).toBe(rounds.length);
      taken += rounds.length;
      const hub = federation.heal();
      expect(lost(federation, hub)).toEqual([]);
      expect(federation.misdeeds).toEqual([]);
    }),
    { numRuns: 1000 },
  );
  // A property of takes that never happen would say nothing.
  expect(taken).toBeGreaterThan(100);
});

it("with a witness that voted for one of two sites takes no crown for the other that knows nothing of it", () => {
  let second = 0;
  fc.assert(
    fc.property(fc.array(watched, { minLength: 5, maxLength: 60 }), (events) => {
      const federation = new Federation(NAMES.slice(0, 2), true);
      for (const one of events) happen(federation, one);
      const takes = federation.takes.filter(({ witnessed }) => witnessed);
      second += takes.length > 1 ? 1 : 0;
      for (const [index, { after }] of takes.entries())
        for (const { epoch } of takes.slice(0, index)) expect(after).toBeGreaterThanOrEqual(epoch);
    }),
    { numRuns: 3000 },
  );
  expect(second).toBeGreaterThan(50);
});
