/**
 * The Xen driver against a real Xen 4.17 with a real dom0, emulated in software.
 * One server is booted for the whole file; what a test leaves is what the next
 * one finds. What it refuses is in quick.test.ts. The parts may be run one by
 * one: `-t "^hypervisor"`, `-t "^a machine"`, `-t "^two ECAMs"`.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { MachinePlan } from "#plan/plan.ts";
import { describeHypervisor } from "#ports/hypervisor.suite.ts";
import { figure, showFigures } from "./figures.ts";
import { openGround, type XenGround } from "./ground.ts";
import { bringPackages } from "./packages.ts";
import { startAndDie } from "./start-and-die.ts";
import { answers as answersOn, onServer as onServerOf, seen as seenOn, startMachine } from "./steps.ts";
import { describeVip } from "./vip.ts";

let ground: XenGround;

beforeAll(async () => {
  await bringPackages();
  ground = await openGround();
  figure("dom0 from power-on to SSH", ground.dom0.bootSeconds);
});

afterAll(async () => {
  await ground?.close();
  showFigures();
});

const seen = (machine: MachinePlan) => seenOn(ground, machine);
const onServer = (...argv: readonly string[]) => onServerOf(ground, ...argv);
const start = (machine: MachinePlan) => startMachine(ground, machine);
const answers = (machine: MachinePlan) => answersOn(ground, machine);

describeHypervisor("Xen", () =>
  Promise.resolve({
    hypervisor: ground.xen,
    site: ground.site,
    machines: ground.machines,
    seed: ground.seedOf(ground.machines[0]),
    clean: () => Promise.resolve(),
  }),
);

describe("a machine", () => {
  beforeAll(() => ground.xen.prepare(ground.site));

  it("is made by a run that goes on where others were killed", async () => {
    const [machine] = ground.machines;
    for (const seconds of [2, 6, 14]) await startAndDie(ground, machine, seconds);
    const began = performance.now();
    await start(machine);
    figure("start of a machine after three killed runs", (performance.now() - began) / 1000);
    expect(await seen(machine)).toMatchObject({ uuid: machine.uuid, state: "running" });
    expect((await onServer("xl", "list")).match(new RegExp(`^${machine.name} `, "gm"))).toHaveLength(1);
    expect(await onServer("lvs", "--noheadings", "-o", "lv_name")).not.toContain(".new");
  });

  it("boots our image with its address, and answers with the key that was pinned before it was made", async () => {
    const [machine] = ground.machines;
    await answers(machine);
    const { stdout } = await ground.shell.run(machine.name, ["ip", "-o", "-4", "address", "show", "eth0"]);
    expect(stdout).toContain(`${machine.address}/24`);
    const root = await ground.shell.run(machine.name, ["df", "-m", "--output=size", "/"]);
    expect(Number(root.stdout.split("\n")[1])).toBeGreaterThan(3500); // grown to its 4 GiB
    expect(await ground.xen.differences(ground.site)).toEqual([]);
  });

  it("is seen to differ from its plan when somebody changes it by hand", async () => {
    const [machine] = ground.machines;
    await onServer("xl", "mem-set", machine.name, "200");
    await onServer(
      "sed",
      "-i",
      "s/^vcpus = 1/vcpus = 2/",
      `/etc/panopticon/xen/emulated/${machine.name}.cfg`,
    );
    await onServer("rm", `/etc/xen/auto/${machine.name}.cfg`);
    expect(await ground.xen.differences(ground.site)).toEqual([
      { machine: machine.name, where: "file", what: "vcpus is 2, planned 1", restart: false },
      {
        machine: machine.name,
        where: "autostart",
        what: "does not start when its server boots",
        restart: false,
      },
      { machine: machine.name, where: "domain", what: "memory: 200 MiB, planned 256 MiB", restart: false },
    ]);
    const [domid] = (await onServer("xl", "domid", machine.name)).split("\n");
    await ground.xen.mend(ground.site, machine);
    expect(await ground.xen.differences(ground.site)).toEqual([]);
    expect((await onServer("xl", "domid", machine.name)).split("\n")[0]).toBe(domid);
  });

  it("is restarted, in order, for what a running domain can't be given", async () => {
    const [machine] = ground.machines;
    const { name } = machine;
    const file = `/etc/panopticon/xen/emulated/${name}.cfg`;
    await onServer("xl", "destroy", name);
    await onServer("sed", "-i", 's/^on_crash = .*/on_crash = "preserve"/', file);
    await onServer("xl", "create", "-q", file);
    expect(await ground.xen.drift(ground.site)).toEqual([
      {
        machine: name,
        restart: true,
        what: ['on_crash is "preserve", planned "restart"', "after a crash: preserve, planned restart"],
      },
    ]);
    await ground.xen.mend(ground.site, machine);
    expect(await ground.xen.drift(ground.site)).toEqual([]);
    await answers(machine);
  });

  it("that was switched off is told from one that crashed, and both start again as planned", async () => {
    const [machine] = ground.machines;
    await ground.shell.run(machine.name, ["systemctl", "poweroff"]).catch(() => undefined);
    const state = async (wanted: string) =>
      vi.waitFor(async () => expect((await seen(machine))?.state).toBe(wanted), {
        timeout: 240_000,
        interval: 2000,
      });
    await state("stopped");
    await start(machine);
    expect(await ground.xen.differences(ground.site)).toEqual([]);
    await answers(machine);
    // Without a restart by xl, so that the crash stays to be seen.
    await onServer(
      "sed",
      "-i",
      's/^on_crash = .*/on_crash = "destroy"/',
      `/etc/panopticon/xen/emulated/${machine.name}.cfg`,
    );
    await onServer("xl", "destroy", machine.name);
    await state("stopped");
    await onServer("xl", "create", "-q", `/etc/panopticon/xen/emulated/${machine.name}.cfg`);
    await answers(machine);
    await crash(machine);
    await state("crashed");
    await start(machine);
    await state("running");
    expect(await ground.xen.differences(ground.site)).toEqual([]);
  });
});

/** The guest's kernel panics, as by a fault of its own. */
async function crash(machine: MachinePlan): Promise<void> {
  const panic = "echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger";
  await ground.shell.run(machine.name, ["sh", "-c", panic], { timeoutSeconds: 5 }).catch(() => undefined);
}

describe("two ECAMs", () => {
  beforeAll(() => ground.xen.prepare(ground.site));

  it("run beside each other", async () => {
    for (const machine of ground.machines) await start(machine);
    for (const machine of ground.machines) await answers(machine);
    const observed = await ground.xen.observe(ground.site);
    expect(observed.map(({ state }) => state)).toEqual(["running", "running"]);
  });
  describeVip(() => ground);
});
