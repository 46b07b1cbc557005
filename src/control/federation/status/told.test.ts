/** What sites tell the hub, and what the hub makes of it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClusterStatus } from "../api/federated.ts";
import { MOST_TOLD, type Told } from "../api/site-report.ts";
import { federated } from "../test/federated.ts";
import { entryTold, isAbout, mergedEntries, openTold } from "./told.ts";
import { type Due, nextStatus, statusDueAt } from "./next.ts";
import { openUntold } from "./untold.ts";

const TYPE = "federatedconfigmaps.types.kubefed.io";

function told(name: string, more: Partial<Told> = {}): Told {
  return { type: TYPE, namespace: "shop", name, uid: "u", observedGeneration: 1, ...more };
}

const about = (name: string) => ({ group: TYPE, key: `shop/${name}` });

describe("what sites tell", () => {
  it("is found by the resource, and changes only where a site says something else", () => {
    const index = openTold(1001);
    expect(index.take("attic", { epoch: 1001, entries: [told("one"), told("two")] })).toEqual([
      about("one"),
      about("two"),
    ]);
    expect(index.take("cellar", { epoch: 1001, entries: [told("one")] })).toEqual([about("one")]);
    expect([...index.of(about("one")).keys()]).toEqual(["attic", "cellar"]);
    const next = [told("two", { status: "UpdateFailed" }), told("one")];
    expect(index.take("attic", { epoch: 1001, entries: next })).toEqual([about("two")]);
    expect(index.of(about("two")).get("attic")?.status).toBe("UpdateFailed");
    // What a report holds no more is in the status by now: nothing has to be done.
    expect(index.take("attic", { epoch: 1001, entries: [] })).toEqual([]);
    expect([...index.of(about("one")).keys()]).toEqual(["cellar"]);
    expect(index.of(about("two")).size).toBe(0);
  });

  it("says nothing of another crowning, nor once the report is gone", () => {
    const index = openTold(2001);
    expect(index.take("attic", { epoch: 1001, entries: [told("one")] })).toEqual([]);
    index.take("attic", { epoch: 2001, entries: [told("one")] });
    expect(index.of(about("one")).size).toBe(1);
    index.take("attic", undefined);
    expect(index.of(about("one")).size).toBe(0);
  });

  it("is about one life of a resource, and no generation that is still to come", () => {
    const resource = federated({}, { generation: 2, uid: "u" });
    expect(isAbout(told("one"), resource)).toBe(true);
    expect(isAbout(told("one", { observedGeneration: 3 }), resource)).toBe(false);
    expect(isAbout(told("one", { uid: "other" }), resource)).toBe(false);
  });

  it("becomes the site's entry, under its own name whatever it says", () => {
    const said = { ...told("one", { status: "UpdateFailed", message: "why" }), name: "one" };
    const entry = { name: "attic", observedGeneration: 1, status: "UpdateFailed", message: "why" };
    expect(entryTold("attic", said)).toEqual(entry);
    expect(entryTold("attic", told("one", { gone: true }))).toBeUndefined();
  });

  it("changes the entries of those who told and no others, and nothing where it says nothing new", () => {
    const same = (one?: ClusterStatus, other?: ClusterStatus) => one?.status === other?.status;
    const before = [{ name: "attic" }, { name: "cellar", status: "UpdateFailed" }];
    expect(mergedEntries(before, new Map([["attic", { name: "attic" }]]), same)).toBe(before);
    const said = new Map([
      ["cellar", undefined],
      ["barn", { name: "barn", status: "CreationFailed" }],
    ]);
    expect(mergedEntries(before, said, same)).toEqual([
      { name: "attic" },
      { name: "barn", status: "CreationFailed" },
    ]);
  });
});

describe("what a site has to tell", () => {
  it("reaches the hub whatever the hub takes first, in reports of bounded size", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 * MOST_TOLD }), fc.nat(), (count, seed) => {
        const untold = openUntold();
        for (let index = 0; index < count; index += 1) untold.set(`${index}`, told(`${index}`));
        let left = count;
        for (let round = 0; left > 0; round += 1) {
          expect(round).toBeLessThan(2 * count);
          const entries = untold.next();
          expect(entries.length).toBeGreaterThan(0);
          expect(entries.length).toBeLessThanOrEqual(MOST_TOLD);
          untold.sent(entries);
          expect(untold.isSent(untold.next())).toBe(true);
          expect(untold.isCrowded).toBe(left > entries.length);
          const taken = entries.filter((_, index) => (index + seed) % 3 > 0 || entries.length < 3);
          for (const { name } of taken) untold.delete(name);
          left -= taken.length;
        }
        expect(untold.next()).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  it("is told again where it has changed meanwhile", () => {
    const untold = openUntold();
    untold.set("one", told("one"));
    untold.sent(untold.next());
    untold.set("one", told("one", { status: "UpdateFailed" }));
    expect(untold.isSent(untold.next())).toBe(false);
    expect(untold.isCrowded).toBe(true);
  });
});

describe("a status at the hub", () => {
  const NOW = "2026-01-01T00:00:00Z";
  const well = { reason: "", message: "", waiting: false } as const;
  const entries = [{ name: "attic", observedGeneration: 2 }];

  it("is entries and condition in one, and nothing where it says all of it already", () => {
    const resource = federated({}, { generation: 2 });
    const status = nextStatus(resource, entries, well, NOW);
    expect(status).toMatchObject({
      observedGeneration: 2,
      clusters: entries,
      conditions: [{ status: "True" }],
    });
    const written = { ...resource, status: status ?? {} };
    expect(nextStatus(written, status?.clusters ?? [], well, "2026-01-01T00:00:09Z")).toBeUndefined();
    expect(nextStatus(written, [...entries], well, NOW)?.clusters).toEqual(entries);
    const other = { type: "Other", status: "True" };
    const beside = { ...resource, status: { conditions: [other] } };
    expect(nextStatus(beside, [], well, NOW)?.conditions).toHaveLength(2);
  });

  it("is written at once when all have told, soon where something is wrong, later where one has not told", () => {
    const due = (more: Partial<Due>) =>
      statusDueAt({
        pending: { since: 1000, last: 2000 },
        writtenAt: undefined,
        judged: well,
        told: true,
        burst: { size: 1, last: 2000 },
        ...more,
      });
    const waiting = { reason: "CheckClusters", waiting: true } as const;
    expect(due({})).toBe(2000);
    expect(due({ writtenAt: 1950 })).toBe(2150);
    expect(due({ judged: { reason: "CheckClusters", waiting: false } })).toBe(2100);
    expect(due({ judged: waiting })).toBe(3020);
    expect(due({ judged: waiting, told: false })).toBe(5020);
    expect(due({ burst: { size: 100, last: 2500 } })).toBe(2750);
  });
});
