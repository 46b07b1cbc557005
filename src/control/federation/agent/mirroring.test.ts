/** What becomes of mirrors: who is believed that an object was deleted, and what may wait to be stored. */
import { describe, expect, it } from "vitest";
import type { CrownSpec } from "../api/crown.ts";
import { type MirrorSpec, mirrorName } from "../api/mirror.ts";
import { openBacklog } from "./backlog.ts";
import { bodyOf, hashOf, inheritHash } from "./body.ts";
import { absent, present } from "./mirroring.ts";

const key = {
  group: "types.kubefed.io",
  version: "v1beta1",
  kind: "FederatedConfigMap",
  plural: "federatedconfigmaps",
  namespace: "shop",
  name: "words",
};
const mirror = (changes: Partial<MirrorSpec> = {}): MirrorSpec => ({
  ...key,
  uid: "1",
  resourceVersion: "10",
  epoch: 1001,
  hash: "h",
  body: { spec: {} },
  ...changes,
});
const tombstone = { deletedAt: "2026-01-01T00:00:00.000Z", orphan: false };
const { body: _body, ...bare } = mirror();
const grave: MirrorSpec = { ...bare, resourceVersion: "20", tombstone };
const clock = { wall: () => new Date("2026-01-02T00:00:00.000Z") } as never;
const term = (holds: boolean) => ({ holds, clock, crown: { epoch: 1001 } as CrownSpec });
const word = { told: undefined, grave: undefined, revision: () => Promise.resolve("99") };
const told = { apiVersion: "types.kubefed.io/v1beta1", metadata: { name: "words", resourceVersion: "30" } };

describe("the mirror of an object that the hub does not have", () => {
  it("stays as it is at a site where nothing says that it was deleted", async () => {
    expect(await absent(mirror(), word, term(false))).toBeUndefined();
  });

  it("becomes a tombstone at the holder, which lists the very API that deletions are made at", async () => {
    expect(await absent(mirror(), word, term(true))).toMatchObject({ resourceVersion: "99" });
  });

  it("becomes a tombstone at any site that was told of the deletion, with the deletion's own revision", async () => {
    for (const holds of [false, true]) {
      const buried = await absent(mirror(), { ...word, told }, term(holds));
      expect(buried).toMatchObject({ resourceVersion: "30", tombstone: { orphan: false } });
      expect(buried?.body).toBeUndefined();
    }
  });

  it("becomes what the hub's record says, and does where the site had no mirror yet", async () => {
    expect(await absent(mirror(), { ...word, grave }, term(false))).toMatchObject({ tombstone });
    expect(await absent(undefined, { ...word, grave }, term(false))).toEqual(grave);
  });

  it("stays where the record is of an earlier life of the object", async () => {
    const later = mirror({ resourceVersion: "25" });
    expect(await absent(later, { ...word, grave }, term(false))).toBeUndefined();
  });
});

describe("the mirror of an object that the hub has", () => {
  const object = { apiVersion: "v1", kind: "X", metadata: { name: "a", generation: 1, uid: "u" }, spec: 1 };

  it("is written anew only where the body is another", () => {
    const first = present(key, object, undefined, 1001);
    expect(first).toMatchObject({ hash: hashOf(object), body: bodyOf(object) });
    expect(present(key, { ...object, status: {} } as never, first, 1001)).toBeUndefined();
    expect(present(key, { ...object, spec: 2 } as never, first, 1001)).toBeDefined();
  });

  it("has the digest of its predecessor only where nothing but the status can have changed", () => {
    const digest = hashOf(object);
    const status = { ...object, status: { a: 1 } };
    const labelled = { ...object, metadata: { ...object.metadata, labels: { a: "b" } } };
    const changed = { ...object, metadata: { ...object.metadata, generation: 2 }, spec: 2 };
    for (const after of [status, labelled, changed]) inheritHash(object, after);
    expect(hashOf(status)).toBe(digest);
    expect(hashOf(labelled)).not.toBe(digest);
    expect(hashOf(changed)).not.toBe(digest);
  });
});

describe("storing mirrors", () => {
  it("waits only where many change at once, until a moment after the last one is applied, and not for long", () => {
    let now = 1000;
    const fresh = { appliedAt: 0 };
    const backlog = openBacklog({ now: () => now }, fresh);
    const one = mirror();
    backlog.hold(one);
    expect(backlog.wait(mirrorName(one))).toBe(0);
    for (let index = 0; index < 40; index += 1) backlog.hold(mirror({ name: `m${index}` }));
    expect(backlog.wait(mirrorName(one))).toBe(0.25);
    now = 1200;
    fresh.appliedAt = 1150;
    expect(backlog.wait(mirrorName(one))).toBeCloseTo(0.2);
    now = 11_500;
    fresh.appliedAt = 11_490;
    expect(backlog.wait(mirrorName(one))).toBe(0);
    backlog.done(mirrorName(one));
    expect(backlog.get(mirrorName(one))).toBeUndefined();
  });
});
