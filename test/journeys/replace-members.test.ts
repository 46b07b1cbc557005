/**
 * What a replacement does to etcd, on three real members: the dead one leaves, also
 * where a run was cut off, and nothing leaves once the quorum is lost.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Event } from "#base/events.ts";
import { runProcess } from "#base/process.ts";
import { etcdMembers, removeMember } from "#converge/etcd.ts";
import { closedGate, openGate } from "#converge/gate.ts";
import { openJournal } from "#converge/journal.ts";
import type { SiteContext } from "#converge/phase.ts";
import { clearMachine, clearNobodys } from "#lifecycle/replace/clear.ts";
import { seeQuorum } from "#lifecycle/replace/members.ts";
import { makePlan } from "#plan/make.ts";
import { type MachinePlan, machinesOf, type SitePlan } from "#plan/plan.ts";
import { fileOf, network, server, site } from "#plan/test/federations.ts";
import { planeProcess, type PlaneProcess } from "../kube/process.ts";
import { planeObstacle, planePrograms, skipWithoutPlanes } from "../kube/programs.ts";

const servers = ["a", "b", "c"].map((name) => server(name));
const file = fileOf([site("attic", 1, servers, { network: network("127.77.0.0/24") })]);
const attic = (await makePlan(file)).sites[0] as SitePlan;
const [one, two, three] = machinesOf(attic, "controlplane") as readonly [
  MachinePlan,
  MachinePlan,
  MachinePlan,
];
const ALL = [one, two, three];
const GONE = new Set([two.name]);
const obstacle = await planeObstacle();

describe("etcd while a server is replaced", () => {
  const dir = mkdtempSync(join(tmpdir(), "panopticon-members-"));
  const running = new Map<string, PlaneProcess>();
  let context: SiteContext;
  let etcdctl: (
    machine: string,
    ...words: readonly string[]
  ) => Promise<{ code: number; stdout: string; stderr: string }>;

  beforeEach((test) => skipWithoutPlanes(test, obstacle));

  beforeAll(async () => {
    if (obstacle !== undefined) return;
    const programs = await planePrograms();
    etcdctl = (machine, ...words) => {
      const { address } = ALL.find(({ name }) => name === machine) ?? one;
      const where = [
        `--endpoints=https://${address}:2379`,
        "--insecure-skip-tls-verify",
        "--insecure-transport=false",
      ];
      return runProcess([programs.etcdctl, ...where, ...words]);
    };
    await Promise.all(ALL.map((machine) => startMember(machine, programs.etcd)));
    context = {
      site: attic,
      hypervisor: {
        observe: async () =>
          ALL.filter(({ name }) => running.get(name)?.pid !== undefined).map(({ name, uuid }) => ({
            name,
            uuid,
            state: "running",
          })),
      },
      // Each member's own machine, which is this one: only keys and addresses differ.
      shell: {
        run: (machine: string, [, ...words]: readonly string[]) =>
          etcdctl(machine, ...words.filter((word) => !/^--(endpoints|cacert|cert|key)=/.test(word))),
      },
      // No API server beside: in its place one that knows no node and no pod.
      kube: async () => ({
        raw: async () => ({ status: 200, text: "ok" }),
        find: async () => undefined,
        list: async () => ({ items: [], resourceVersion: "1" }),
      }),
      now: () => new Date(),
      emit: () => undefined,
    } as unknown as SiteContext;
  });

  afterAll(async () => {
    await Promise.all([...running.values()].map((process) => process.kill()));
    rmSync(dir, { recursive: true, force: true });
  });

  async function startMember(machine: MachinePlan, program: string): Promise<void> {
    const { name, address } = machine;
    const [peer, client] = [`https://${address}:2380`, `https://${address}:2379`];
    const argv = [
      program,
      `--name=${name}`,
      `--data-dir=${join(dir, name)}`,
      `--initial-cluster=${ALL.map((each) => `${each.name}=https://${each.address}:2380`).join(",")}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--listen-peer-urls=${peer}`,
      `--advertise-client-urls=${client}`,
      `--listen-client-urls=${client}`,
      "--auto-tls",
      "--peer-auto-tls",
    ];
    const ready = async () => (await etcdctl(name, "endpoint", "health")).code === 0;
    const process = planeProcess({ name, argv, log: join(dir, `${name}.log`), ready, seconds: 60 });
    running.set(name, process);
    await process.start();
  }

  const gate = () =>
    openGate(
      openJournal(":memory:"),
      () => undefined,
      () => new Date(),
    );

  /** etcd takes one only while all voters have seen each other for five seconds. */
  async function addLearner(name: string, address: string): Promise<void> {
    const add = () =>
      etcdctl(one.name, "member", "add", name, "--learner", `--peer-urls=https://${address}:2380`);
    await expect.poll(async () => (await add()).code, { timeout: 30_000, interval: 500 }).toBe(0);
  }

  it("has its quorum while one of three is dead, and says who votes", async () => {
    const before = await seeQuorum(context, new Set(), 30);
    expect(before.votes).toEqual({ voters: 3, well: 3, needed: 2 });
    await addLearner("stray", "127.77.0.99");
    await running.get(two.name)?.kill();
    const after = await seeQuorum(context, GONE, 30);
    expect(after.votes).toEqual({ voters: 3, well: 2, needed: 2 });
    expect([one.name, three.name]).toContain(after.via);
  });

  it("loses a learner that never started and is nobody's", async () => {
    expect(await clearNobodys({ context, gate: gate(), gone: GONE })).toBe(1);
    expect(await clearNobodys({ context, gate: gate(), gone: GONE })).toBe(0);
    expect(await etcdMembers(context, one.name)).toHaveLength(3);
  });

  it("loses the dead machine's member, which a dry run only says, and nothing more the second time", async () => {
    const events: Event[] = [];
    const dry = closedGate((event) => events.push(event));
    expect(await clearMachine({ context, gate: dry, gone: GONE }, two)).toBe(1);
    expect(events).toMatchObject([{ kind: "change-planned", subject: two.name }]);
    expect(JSON.stringify(events)).toContain("2 voting members, 2 of them well; none more may fail");
    expect(await etcdMembers(context, one.name)).toHaveLength(3);
    expect(await clearMachine({ context, gate: gate(), gone: GONE }, two)).toBe(1);
    expect((await etcdMembers(context, one.name)).map(({ name }) => name).toSorted()).toEqual([
      one.name,
      three.name,
    ]);
    expect(await clearMachine({ context, gate: gate(), gone: GONE }, two)).toBe(0);
  });

  it("loses the learner of a join that was cut off before it started, also where another run was faster", async () => {
    await addLearner(two.name, two.address);
    const nameless = (await etcdMembers(context, one.name)).find(({ name }) => name === "");
    expect(nameless?.learner).toBe(true);
    const faster = {
      ...gate(),
      pass: async (site: string, phase: string, change: Parameters<ReturnType<typeof gate>["pass"]>[2]) => {
        await removeMember(context, one.name, nameless?.id ?? "");
        await gate().pass(site, phase, change);
      },
    };
    expect(await clearMachine({ context, gate: faster, gone: GONE }, two)).toBe(1);
    expect(await etcdMembers(context, one.name)).toHaveLength(2);
  });

  it("lets nobody leave once the quorum is lost", async () => {
    await running.get(three.name)?.kill();
    const lost = clearMachine({ context, gate: gate(), gone: new Set([two.name, three.name]) }, three);
    await expect(lost).rejects.toThrow("0 of 2 voting members answer");
    expect((await etcdMembers(context, one.name)).length).toBe(2);
  });
});
