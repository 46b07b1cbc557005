import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubeObject } from "#ports/kube.ts";
import { keyOf, openCache, withoutManagedFields } from "./cache.ts";

interface Thing extends KubeObject {
  readonly colour: string;
}
const thing = (name: string, resourceVersion: string, colour = "red"): Thing => ({
  metadata: { namespace: "shed", name, resourceVersion, uid: name },
  colour,
});

describe("cache", () => {
  it("finds by a new list what came, changed and went meanwhile, and says nothing of the rest", () => {
    const cache = openCache<Thing>();
    expect(cache.synced).toBe(false);
    cache.replace([thing("stays", "1"), thing("changes", "2"), thing("goes", "3")]);
    expect(cache.synced).toBe(true);
    const changes = cache.replace([thing("stays", "1"), thing("changes", "9"), thing("comes", "8")]);
    expect(changes.map(({ type, object }) => `${type} ${object.metadata?.name}`)).toEqual([
      "deleted goes",
      "modified changes",
      "added comes",
    ]);
    expect(cache.change("modified", thing("stays", "1"))).toBeUndefined();
    expect(cache.change("deleted", thing("never", "1"))).toBeUndefined();
    expect(cache.get("shed/changes")?.metadata?.resourceVersion).toBe("9");
  });

  it("says how far the server has told it", () => {
    const cache = openCache<Thing>();
    expect(cache.revision).toBe("0");
    cache.reached("7");
    expect(cache.revision).toBe("7");
  });

  it("has in each index exactly what a walk over all objects finds", () => {
    const step = fc.record({
      type: fc.constantFrom("added", "modified", "deleted"),
      name: fc.constantFrom("a", "b", "c", "d"),
      colour: fc.constantFrom("red", "green", "blue"),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const cache = openCache<Thing>();
        cache.addIndex("colour", ({ colour }) => [colour]);
        for (const [index, { type, name, colour }] of steps.entries()) {
          cache.change(type, thing(name, String(index), colour));
        }
        for (const colour of ["red", "green", "blue"]) {
          const walked = [...cache.list()].filter((one) => one.colour === colour).map(keyOf);
          expect(cache.by("colour", colour).map(keyOf).sort()).toEqual(walked.sort());
        }
        expect([...cache.list()]).toHaveLength(cache.size);
      }),
    );
  });

  it("keeps no managedFields", () => {
    const object = { metadata: { name: "one", managedFields: [{ manager: "x" }] } };
    expect(withoutManagedFields(object)).toEqual({ metadata: { name: "one" } });
    expect(keyOf({ metadata: { name: "node" } })).toBe("node");
  });
});
