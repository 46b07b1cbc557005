/** What it means to follow a cluster: nothing that lasted is missed, whatever happens to its server. */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import type { Kube, KubeObject, Resource } from "./kube.ts";

/** What may happen to a server. */
export interface KubeFixture {
  /** As an administrator of the cluster. */
  readonly kube: Kube;
  /** SIGKILL, as when the power goes. */
  kill(): Promise<void>;
  /** Starts it again, with all it had stored. */
  start(): Promise<void>;
  /** Sockets stay open, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** The store forgets all revisions before the present one. */
  compact(): Promise<void>;
  /** Remembers the store as it is, and puts it back later: a restored backup. The server is down meanwhile. */
  backup(): Promise<() => Promise<void>>;
  clean(): Promise<void>;
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

export const CONFIG_MAPS: Resource<ConfigMap> = { group: "", version: "v1", plural: "configmaps" };
export const NAMESPACES: Resource = { group: "", version: "v1", plural: "namespaces" };
const IDLE_SECONDS = 3;

/** One test's place. */
export interface Ground {
  readonly fixture: KubeFixture;
  /** The test's own. */
  readonly namespace: string;
  /** Aborted by `stop`, at the test's end at the latest. */
  readonly signal: AbortSignal;
  stop(): void;
}

/** The store forgets its history, and the server what it had of it in memory. */
export async function restartForgetful(fixture: KubeFixture): Promise<void> {
  await fixture.compact();
  await fixture.kill();
  await fixture.start();
}

/** @param ground gives the place of the test that runs. */
export function describeFollowing(ground: () => Ground): void {
  describe("following", () => {
    let fixture: KubeFixture;
    let kube: Kube;
    let namespace: string;

    beforeEach(() => {
      ({ fixture, namespace } = ground());
      ({ kube } = fixture);
    });

    const from = () => ({ resource: CONFIG_MAPS, namespace });
    const ref = (name: string) => ({ ...from(), name });
    const make = (name: string, value: string) =>
      kube.create(from(), { metadata: { name }, data: { value } });
    const set = (name: string, value: string) => kube.patch(ref(name), { data: { value } });
    const makeMany = (count: number, value: string) =>
      Promise.all(Array.from({ length: count }, (_, index) => make(`many-${index}`, value)));

    /** Follows the namespace's ConfigMaps and keeps all that it is told. */
    const follow = (pageSize = 500): Followed => {
      const told: Followed = {
        present: new Map(),
        values: new Set(),
        replaced: 0,
        troubles: [],
        done: nothing,
      };
      const take = ({ metadata, data }: ConfigMap): void => {
        told.present.set(metadata?.name ?? "", data?.["value"] ?? "");
        told.values.add(data?.["value"] ?? "");
      };
      told.done = kube.listAndWatch(
        from(),
        {
          replace(items) {
            told.replaced += 1;
            told.present.clear();
            for (const item of items) take(item);
          },
          change(type, object) {
            if (type === "deleted") told.present.delete(object.metadata?.name ?? "");
            else take(object);
          },
          trouble: (error) => void told.troubles.push(error.code),
        },
        { signal: ground().signal, idleSeconds: IDLE_SECONDS, pageSize },
      );
      return told;
    };
    const until = async (what: string, seconds: number, holds: () => boolean): Promise<void> => {
      const end = performance.now() + seconds * 1000;
      while (!holds()) {
        if (performance.now() > end) expect.fail(`waited ${seconds} s in vain until ${what}`);
        await sleep(20);
      }
    };
    const synced = (told: Followed) => until("the list came", 20, () => told.replaced > 0);
    /** Exactly what a fresh list says. */
    const expectSame = async (told: Followed): Promise<void> => {
      const { items } = await kube.list(from());
      const wanted = items.map(({ metadata, data }) => `${metadata?.name} ${data?.["value"] ?? ""}`);
      const known = () => [...told.present].map((entry) => entry.join(" ")).join("\n");
      const sorted = () => known().split("\n").toSorted(compare);
      await until("all is told", 20, () => sorted().join() === wanted.toSorted(compare).join());
    };

    it("lists in pages what is whole, though the server forgets its beginning between two pages", async () => {
      await makeMany(30, "1");
      const original = await kube.list(from());
      const first = await kube.raw(`/api/v1/namespaces/${namespace}/configmaps?limit=10`);
      const { metadata } = JSON.parse(first.text) as { metadata: { continue: string } };
      await set("many-0", "2");
      await restartForgetful(fixture);
      const next = `/api/v1/namespaces/${namespace}/configmaps?limit=10&continue=${encodeURIComponent(metadata.continue)}`;
      expect((await kube.raw(next)).status).toBe(410);
      const told = follow(10);
      await synced(told);
      expect(told.present.size).toBe(original.items.length);
    });

    it("misses nothing while the server is killed and started again and again under writes", async () => {
      const told = follow();
      await synced(told);
      const written: string[] = [];
      const writing = new AbortController();
      const writer = (async () => {
        for (let count = 0; !writing.signal.aborted; count += 1) {
          const value = String(count);
          const apply = {
            apiVersion: "v1",
            kind: "ConfigMap",
            metadata: { name: `key-${count % 7}` },
            data: { value },
          };
          await kube
            .apply(ref(`key-${count % 7}`), apply)
            .then(() => written.push(value))
            .catch(() => sleep(50));
        }
      })();
      for (let round = 0; round < 3; round += 1) {
        await sleep(1500);
        await fixture.kill();
        await sleep(300);
        await fixture.start();
      }
      await sleep(500);
      writing.abort();
      await writer;
      expect(written.length).toBeGreaterThan(50);
      await expectSame(told);
      // The server may have forgotten its history, and only then may a version that did not last be missed.
      const missed = written.filter((value) => !told.values.has(value));
      expect(told.replaced === 1 ? missed : []).toEqual([]);
    });

    it("notices a frozen server, and goes on where it was when it wakes", async () => {
      const told = follow();
      await synced(told);
      await make("one", "1");
      await until("the watch tells", 5, () => told.present.has("one"));
      fixture.freeze();
      try {
        await until("the silence is noticed", 3 * IDLE_SECONDS, () => told.troubles.includes("KUBE_SILENT"));
      } finally {
        fixture.thaw();
      }
      await make("two", "2");
      await until("the change is told", 10, () => told.present.get("two") === "2");
      await expectSame(told);
      expect(told.replaced).toBe(1);
    });

    it("finds by a new list what it missed while the server forgot, deletions too, and lists no oftener than needed", async () => {
      await makeMany(20, "1");
      const told = follow();
      await synced(told);
      await set("many-4", "4");
      await until("the watch tells", 5, () => told.present.get("many-4") === "4");
      fixture.freeze();
      await until("the silence is noticed", 3 * IDLE_SECONDS, () => told.troubles.includes("KUBE_SILENT"));
      await fixture.kill();
      await fixture.start();
      const other = fixture.kube;
      // Written at once, before the watch is back or after it: told either way.
      await Promise.all([other.delete(ref("many-0")), other.delete(ref("many-1")), set("many-2", "2")]);
      await restartForgetful(fixture);
      await set("many-3", "3");
      await until("all is told", 20, () => told.present.get("many-3") === "3");
      await expectSame(told);
      expect(told.present.has("many-0")).toBe(false);
      await sleep(2000);
      expect(told.replaced).toBeLessThanOrEqual(3);
    });

    it("is not fooled by a server that was put back to an older state", async () => {
      await makeMany(3, "old");
      const restore = await fixture.backup();
      const told = follow();
      await synced(told);
      for (let count = 0; count < 20; count += 1) await set("many-0", `new-${count}`);
      await make("lost", "1");
      await until(
        "all is told",
        10,
        () => told.present.has("lost") && told.present.get("many-0") === "new-19",
      );
      await restore();
      await until("what was lost is gone", 30, () => !told.present.has("lost"));
      await expectSame(told);
      expect(told.present.get("many-0")).toBe("old");
      await make("after", "1");
      await until("new changes are told", 10, () => told.present.has("after"));
    });

    it("ends when it is told to, and opens nothing afterwards", async () => {
      const told = follow();
      await synced(told);
      ground().stop();
      await told.done;
      const before = requestCount(kube);
      await sleep(1500);
      expect(requestCount(kube)).toBe(before);
    });

    it("of a kind that is not there waits for it without haste, and says why", async () => {
      const troubles: string[] = [];
      const before = requestCount(kube);
      const done = kube.listAndWatch(
        { resource: { group: "suite.example.org", version: "v1", plural: "things" } },
        {
          replace: () => expect.fail("nothing to list"),
          change: () => undefined,
          trouble: ({ code }) => void troubles.push(code),
        },
        { signal: ground().signal },
      );
      await sleep(3000);
      ground().stop();
      await done;
      expect(new Set(troubles)).toEqual(new Set(["KUBE_NOT_FOUND"]));
      expect(requestCount(kube) - before).toBeLessThan(10);
    });
  });
}

interface Followed {
  readonly present: Map<string, string>;
  /** Every value that was ever told. */
  readonly values: Set<string>;
  replaced: number;
  readonly troubles: string[];
  done: Promise<void>;
}

const nothing = Promise.resolve();

function compare(left: string, right: string): number {
  return left.localeCompare(right);
}

function requestCount(kube: Kube): number {
  return kube.statistics().requests.reduce((sum, { count }) => sum + count, 0);
}
