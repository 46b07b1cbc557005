/** The crown of three real sites: lost, cut off, claimed twice, moved under a writer and killed in the middle. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import { sameEverywhere } from "./compare.ts";
import { conflictsAt, CONFLICTS, crownAt, CROWNS, untilOneCrown, untilUnheard } from "./crowns.ts";
import {
  createMap,
  type Federation,
  federatedMap,
  federatedRef,
  mapRef,
  type Site,
  startFederation,
  until,
} from "./federation.ts";

const obstacle = await planeObstacle();
/** Moves that are cut short again and again. */
const MOVES = 3;

describe("the crown of three sites", () => {
  let federation: Federation;
  let sites: readonly Site[];
  const others = (...but: readonly Site[]) => sites.filter((site) => !but.includes(site));
  const valueAt = async ({ kube }: Site, name: string) => (await kube.find(mapRef(name)))?.data?.["value"];
  const holder = () => untilOneCrown(sites);
  /** Nobody reaches it, and it reaches nobody; what is inside goes on. */
  const cutOff = (...some: readonly Site[]) => some.forEach(({ far }) => far.cut());
  const mend = () => sites.forEach(({ near, far }) => [near, far].forEach((line) => line.mend()));

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    federation = await startFederation(3, { lines: true });
    ({ sites } = federation);
    const [hub] = sites as [Site];
    for (const name of ["shared", "doomed", "kept"])
      await createMap(hub.kube, federatedMap(name, { value: "1" }));
    await sameEverywhere(hub, sites, 60);
  });
  afterAll(() => federation?.remove());

  it("is refused to a cloud site, to a stranger, and while its holder is heard", async () => {
    const hub = await holder();
    const [two] = others(hub) as [Site];
    const { spec } = await crownAt(hub);
    const sky = { name: "sky", kind: "cloud", seat: 0, endpoints: ["https://127.0.0.1:1"] };
    await hub.kube.patch({ resource: CROWNS, name: "crown" }, { spec: { sites: [...spec.sites, sky] } });
    const move = (...argv: readonly string[]) => federation.panopticon("crown", "move", ...argv);
    await expect(move("--to", "sky")).rejects.toThrow(/FEDERATION_CROWN_NOT_ELIGIBLE/);
    await until("two knows of the sky", 30, async () => (await crownAt(two)).spec.sites.length === 4);
    await hub.kube.patch({ resource: CROWNS, name: "crown" }, { spec: { sites: spec.sites } });
    await expect(move("--to", "nowhere")).rejects.toThrow(/FEDERATION_CROWN_UNKNOWN_SITE/);
    await expect(move("--to", two.name, "--take")).rejects.toThrow(/FEDERATION_CROWN_HOLDER_ALIVE/);
    expect((await holder()).name).toBe(hub.name);
  });

  it("is refused without a majority, and nothing changes", async () => {
    const hub = await holder();
    const [two, three] = others(hub) as [Site, Site];
    const { epoch } = (await crownAt(two)).spec;
    cutOff(hub, three);
    await untilUnheard([two]);
    const take = federation.panopticon(
      "crown",
      "move",
      "--to",
      two.name,
      "--take",
      "--kubeconfig",
      two.plane.kubeconfig,
    );
    await expect(take).rejects.toThrow(/FEDERATION_CROWN_NO_MAJORITY/);
    expect((await crownAt(two)).spec.epoch).toBe(epoch);
    mend();
    expect((await holder()).name).toBe(hub.name);
  });

  it("is taken from a hub that is cut off, whose writes become conflicts to apply or discard", async () => {
    const hub = await holder();
    const [two, three] = others(hub) as [Site, Site];
    hub.near.cut();
    cutOff(hub);
    await untilUnheard([two, three]);
    // Taken by the hub's API alone: no agent sees them.
    for (const name of ["stray", "lost"]) await createMap(hub.kube, federatedMap(name, { value: "late" }));
    await hub.kube.patch(federatedRef("shared"), { spec: { template: { data: { value: "late" } } } });
    await hub.kube.delete(federatedRef("doomed"));
    await federation.panopticon("crown", "move", "--to", two.name, "--take", "--context", two.name);
    await two.kube.patch(federatedRef("shared"), { spec: { template: { data: { value: "new" } } } });
    await createMap(two.kube, federatedMap("after", { value: "2" }));
    await sameEverywhere(two, [two, three], 60);
    mend();
    expect((await holder()).name).toBe(two.name);
    const wanted = ["Delete doomed", "Write lost", "Write shared", "Write stray"];
    await until(
      "the conflicts are told",
      60,
      async () => JSON.stringify(await conflictsAt(two.kube)) === JSON.stringify(wanted),
      sites,
    );
    await sameEverywhere(two, sites, 60);
    const { items } = await two.kube.list({ resource: CONFLICTS });
    const decide = async (name: string, how: string) => {
      const conflict = items.find(({ spec }) => spec.name === name)?.metadata?.name ?? "";
      await federation.panopticon("conflict", how, conflict, "--context", two.name);
    };
    for (const [name, how] of [
      ["stray", "apply"],
      ["lost", "discard"],
      ["shared", "apply"],
      ["doomed", "discard"],
    ] as const)
      await decide(name, how);
    await until(
      "what was applied is there",
      30,
      async () => (await valueAt(three, "stray")) === "late",
      sites,
    );
    await sameEverywhere(two, sites, 60);
    const values = await Promise.all(
      ["shared", "lost", "doomed", "after"].map((name) => valueAt(three, name)),
    );
    expect(values).toEqual(["late", undefined, "1", "2"]);
  });

  it("is one in the end where two take it at once", async () => {
    const hub = await holder();
    const [one, other] = others(hub) as [Site, Site];
    hub.near.cut();
    cutOff(hub);
    await untilUnheard([one, other]);
    const outcomes = await Promise.allSettled(
      [one, other].map(({ name }) =>
        federation.panopticon("crown", "move", "--to", name, "--take", "--context", name),
      ),
    );
    const refusals = outcomes.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []));
    for (const refusal of refusals)
      expect(refusal).toMatch(/FEDERATION_CROWN_(OUTDATED|HOLDER_ALIVE|NO_MAJ)/);
    expect(refusals.length).toBeLessThan(2);
    const winner = await untilOneCrown([one, other]);
    await createMap(winner.kube, federatedMap("after-two-takes", { value: "1" }));
    mend();
    expect((await holder()).name).toBe(winner.name);
    await sameEverywhere(winner, sites, 90);
    expect(await valueAt(hub, "kept")).toBe("1");
  });

  it("is one in the end where it was forced on both sides of a cut, and no write is lost", async () => {
    const before = await conflictsAt((await holder()).kube);
    cutOff(...sites);
    await untilUnheard(others(await holder()));
    const old = await holder();
    const forced = others(old);
    for (const { name, plane } of forced)
      await federation.panopticon(
        "crown",
        "move",
        "--to",
        name,
        "--take",
        "--force",
        "--kubeconfig",
        plane.kubeconfig,
      );
    for (const site of sites) {
      await createMap(site.kube, federatedMap(`only-at-${site.name}`, { value: site.name }));
      const spec = { template: { data: { value: site.name } } };
      await site.kube.patch(federatedRef("shared"), { spec });
    }
    mend();
    const winner = await holder();
    const losers = others(winner);
    const wanted = losers.flatMap(({ name }) => [`Write only-at-${name}`, "Write shared"]);
    await until(
      "every write that lost is kept as a conflict",
      90,
      async () => {
        const now = [...(await conflictsAt(winner.kube))];
        for (const known of before) now.splice(now.indexOf(known), 1);
        return JSON.stringify(now) === JSON.stringify(wanted.toSorted());
      },
      sites,
    );
    await sameEverywhere(winner, sites, 90);
    expect(await valueAt(losers[0] as Site, `only-at-${winner.name}`)).toBe(winner.name);
    expect(await valueAt(losers[0] as Site, "shared")).toBe(winner.name);
  });

  it("is moved under a writer by commands that are killed, and finished by the same one; no write is lost", async () => {
    const before = await conflictsAt((await holder()).kube);
    const writer = startWriter(sites);
    for (let move = 0; move < MOVES; move += 1) {
      const from = await holder();
      const to = others(from)[move % 2] as Site;
      const argv = ["crown", "move", "--to", to.name, "--context", from.name];
      for (let tried = 0; tried < 4; tried += 1) {
        const command = federation.start(...argv);
        const ended = once(command, "exit");
        await Promise.race([sleep(500 + Math.random() * 5000), ended]);
        command.kill("SIGKILL");
        await ended;
      }
      await federation.panopticon(...argv);
      expect((await holder()).name).toBe(to.name);
    }
    const written = await writer.end();
    expect(written.size).toBeGreaterThan(5);
    const hub = await holder();
    await sameEverywhere(hub, sites, 90);
    for (const [name, value] of written) expect([name, await valueAt(hub, name)]).toEqual([name, value]);
    expect(await conflictsAt(hub.kube)).toEqual(before);
  });

  it("is taken from a hub that is lost for good, and the others go on", async () => {
    const hub = await holder();
    const rest = others(hub);
    const [two] = rest as [Site];
    await Promise.all([hub.killAgent(), hub.plane.apiServer.kill(), hub.plane.etcd.kill()]);
    await untilUnheard(rest);
    const count = await countAt(two);
    await federation.panopticon("crown", "move", "--to", two.name, "--take", "--context", two.name);
    await createMap(two.kube, federatedMap("for-good", { value: "1" }));
    expect(await sameEverywhere(two, rest, 60)).toBe(count + 1);
  });
});

async function countAt({ kube }: Site): Promise<number> {
  const { items } = await kube.list(
    { resource: { group: "", version: "v1", plural: "configmaps" } },
    { labelSelector: "kubefed.io/managed=true" },
  );
  return items.length;
}

/** Creates, changes and deletes at whichever site takes it; knows what was accepted last. */
function startWriter(sites: readonly Site[]): { end(): Promise<ReadonlyMap<string, string | undefined>> } {
  const stop = new AbortController();
  const accepted = new Map<string, string | undefined>();
  const one = async (index: number): Promise<void> => {
    const name = `written-${index % 40}`;
    const value = String(index);
    for (const { kube } of sites) {
      try {
        if (accepted.get(name) === undefined) await createMap(kube, federatedMap(name, { value }));
        else if (index % 3 === 0 && !(await kube.delete(federatedRef(name)))) continue;
        else if (index % 3 !== 0)
          await kube.patch(federatedRef(name), { spec: { template: { data: { value } } } });
        accepted.set(name, accepted.get(name) !== undefined && index % 3 === 0 ? undefined : value);
        return;
      } catch {
        // Refused there: it is not the hub, or is moving.
      }
    }
  };
  const work = (async () => {
    for (let index = 0; !stop.signal.aborted; index += 1) {
      await one(index);
      await sleep(40);
    }
  })();
  return {
    async end() {
      stop.abort();
      await work;
      return accepted;
    },
  };
}
