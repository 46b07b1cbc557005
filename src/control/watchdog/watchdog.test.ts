import type { Node } from "kubernetes-types/core/v1.d.ts";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Follower, Kube } from "#ports/kube.ts";
import { EXCLUDE_LABEL, EXCLUDED_BY_ANNOTATION } from "#render/ecam/watchdog.ts";
import { virtualClock } from "../runtime/clock.fixture.ts";
import type { Outcome } from "./sight.ts";
import { Watchdog } from "./watchdog.ts";

/** Nodes as an API has them that merges patches, may be away, and tells nobody of changes but in answers. */
class Api {
  readonly nodes = new Map<string, Node>();
  readonly patches: string[] = [];
  away = false;
  hangs = false;
  follower: Follower<Node> | undefined;

  readonly kube = {
    listAndWatch: (_from: object, follower: Follower<Node>, { signal }: { signal: AbortSignal }) => {
      this.follower = follower;
      follower.replace([...this.nodes.values()], "1");
      return new Promise<void>((end) => signal.addEventListener("abort", () => end()));
    },
    patch: async ({ name }: { name: string }, patch: Node, { signal }: { signal: AbortSignal }) => {
      this.patches.push(name);
      if (this.away) throw new Error("nobody is there");
      if (this.hangs)
        await new Promise((_, fail) => signal.addEventListener("abort", () => fail(signal.reason as Error)));
      const { labels, annotations } = patch.metadata ?? {};
      const before = this.nodes.get(name)?.metadata ?? {};
      const merged = {
        name,
        labels: without({ ...before.labels, ...labels }),
        annotations: without({ ...before.annotations, ...annotations }),
      };
      this.nodes.set(name, { metadata: merged });
      return { metadata: merged };
    },
  } as unknown as Kube;

  excluded(): readonly string[] {
    return [...this.nodes.values()]
      .filter(({ metadata }) => metadata?.labels?.[EXCLUDE_LABEL] === "true")
      .map(({ metadata }) => metadata?.name ?? "");
  }
}

/** A merge patch removes what is null. */
function without(map: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(map).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

function start(count: number) {
  const clock = virtualClock();
  const api = new Api();
  const outcomes = new Map<string, Outcome>();
  const notes: string[] = [];
  const state = { acts: true };
  const workers = Array.from({ length: count }, (_, index) => ({
    name: `w${index + 1}`,
    address: `10.0.0.${index + 1}`,
  }));
  for (const { name } of workers) api.nodes.set(name, { metadata: { name } });
  const end = new AbortController();
  onTestFinished(() => end.abort(new Error("the test is over")));
  const watchdog = new Watchdog({
    self: "ecam-1",
    workers,
    probe: async ({ name }) => outcomes.get(name) ?? "answers",
    acts: () => state.acts,
    kube: api.kube,
    clock,
    note: (what) => notes.push(what),
  });
  void watchdog.run(end.signal);
  return { clock, api, outcomes, notes, state };
}

describe("the watchdog", () => {
  it("excludes within four probes, signs it, and takes it back five seconds after the return", async () => {
    const { clock, api, outcomes, notes } = start(2);
    await clock.advance(2000);
    outcomes.set("w2", "silent");
    await clock.advance(400);
    expect(api.excluded()).toEqual(["w2"]);
    expect(api.nodes.get("w2")?.metadata?.annotations).toEqual({ [EXCLUDED_BY_ANNOTATION]: "ecam-1" });
    outcomes.set("w2", "answers");
    await clock.advance(4900);
    expect(api.excluded()).toEqual(["w2"]);
    await clock.advance(300);
    expect(api.nodes.get("w2")?.metadata).toEqual({ name: "w2", labels: {}, annotations: {} });
    expect(api.patches).toEqual(["w2", "w2"]);
    expect(notes).toEqual([
      "w1 answers",
      "w2 answers",
      "w2 (10.0.0.2) is dead: 3 probes in a row failed",
      "excludes w2 from load balancers",
      "w2 answers",
      "lets w2 in again",
    ]);
  });

  it("acts only while it holds the address, then at once", async () => {
    const { clock, api, outcomes, state } = start(3);
    state.acts = false;
    outcomes.set("w1", "silent");
    await clock.advance(10_000);
    expect(api.patches).toEqual([]);
    state.acts = true;
    await clock.advance(100);
    expect(api.excluded()).toEqual(["w1"]);
  });

  it("goes on probing while the API is away or hangs, and writes when it is back", async () => {
    const { clock, api, outcomes, notes } = start(3);
    await clock.advance(1000);
    api.away = true;
    outcomes.set("w1", "silent");
    await clock.advance(20_000);
    expect(notes.filter((one) => one.includes("nobody is there"))).toHaveLength(1);
    expect(api.patches.length).toBeLessThan(40);
    api.away = false;
    api.hangs = true;
    await clock.advance(10_000);
    api.hangs = false;
    await clock.advance(6000);
    expect(api.excluded()).toEqual(["w1"]);
  });

  it("reads who is excluded from the API, also what others have changed there", async () => {
    const { clock, api, outcomes } = start(3);
    outcomes.set("w1", "silent");
    await clock.advance(1000);
    api.follower?.change("modified", { metadata: { name: "w1", labels: {}, annotations: {} } });
    await clock.advance(200);
    expect(api.patches).toEqual(["w1", "w1"]);
    const theirs = { metadata: { name: "w1", labels: { [EXCLUDE_LABEL]: "" } } };
    api.follower?.change("modified", theirs);
    outcomes.set("w1", "answers");
    await clock.advance(10_000);
    expect(api.patches).toEqual(["w1", "w1"]);
  });

  it("does nothing where there is no choice", async () => {
    const { clock, api, outcomes, notes } = start(1);
    outcomes.set("w1", "silent");
    await clock.advance(10_000);
    expect(api.follower).toBeUndefined();
    expect(notes).toEqual(["has fewer than two workers to choose from: does nothing"]);
  });
});
