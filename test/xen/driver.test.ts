/**
 * The Xen driver against a real Xen 4.17 with a real dom0, emulated in software.
 * One server is booted for the whole file; what a test leaves is what the next
 * one finds.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { PanopticonError } from "#base/errors.ts";
import type { MachinePlan } from "#plan/plan.ts";
import { describeHypervisor } from "#ports/hypervisor.suite.ts";
import type { ObservedMachine } from "#ports/hypervisor.ts";
import { figure, showFigures } from "./figures.ts";
import { openGround, type XenGround } from "./ground.ts";
import { bringPackages } from "./packages.ts";
import { rendered } from "./rendered.ts";
import { startAndDie } from "./start-and-die.ts";
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

/** What the driver sees of one machine. */
async function seen(machine: MachinePlan): Promise<ObservedMachine | undefined> {
  return (await ground.xen.observe(ground.site)).find(({ name }) => name === machine.name);
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return await work.then(
    () => undefined,
    (error: PanopticonError) => error.problems[0]?.code,
  );
}

async function onServer(...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await ground.shell.run("left", argv);
  if (code !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
  return stdout;
}

const start = (machine: MachinePlan) => ground.xen.start(ground.site, machine, ground.seedOf(machine));

async function answers(machine: MachinePlan): Promise<void> {
  const began = performance.now();
  await vi.waitFor(
    async () => {
      const { stdout } = await ground.shell.run(machine.name, ["hostname"], { timeoutSeconds: 30 });
      expect(stdout.trim()).toBe(machine.name);
    },
    { timeout: 600_000, interval: 2000 },
  );
  figure("guest from its start to SSH by its pinned key", (performance.now() - began) / 1000);
}

describeHypervisor("Xen", () =>
  Promise.resolve({
    hypervisor: ground.xen,
    site: ground.site,
    machines: ground.machines,
    seed: ground.seedOf(ground.machines[0]),
    clean: () => Promise.resolve(),
  }),
);

describe("before anything is touched", () => {
  it("refuses memory that the server does not have", async () => {
    const [machine] = ground.machines;
    expect(await codeOf(start({ ...machine, memoryMiB: 100_000 }))).toBe("XEN_NO_MEMORY");
  });

  it("refuses disks that the volume group has no room for", async () => {
    const [machine] = ground.machines;
    const disks = machine.disks.map((disk) => ({ ...disk, sizeGiB: 1000 }));
    expect(await codeOf(start({ ...machine, disks }))).toBe("XEN_NO_SPACE");
  });

  it("refuses devices that dom0 stands on, that are not there, or that nothing can shield", async () => {
    const [machine] = ground.machines;
    const given = (pci: string) => codeOf(start({ ...machine, passthrough: [{ name: "card", pci }] }));
    expect(await given("0000:00:04.0")).toBe("XEN_DEVICE_NEEDED"); // its root disk
    expect(await given("0000:00:05.0")).toBe("XEN_DEVICE_NEEDED"); // the guests' disk
    expect(await given("0000:00:03.0")).toBe("XEN_DEVICE_NEEDED"); // the bridge's network card
    expect(await given("0000:00:1a.0")).toBe("XEN_NO_DEVICE");
    expect(await given("0000:00:10.0")).toBe("XEN_NO_IOMMU");
    expect(await onServer("ls", "/sys/bus/pci/drivers")).not.toContain("pciback");
    expect(await seen(machine)).toBeUndefined();
  });

  it("leaves a domain of the same name alone that is not ours", async () => {
    const [machine] = ground.machines;
    const image = await onServer("sh", "-c", "echo /var/lib/panopticon/images/*");
    const settings = `name="${machine.name}"\ntype="pv"\nkernel="${image.trim()}/vmlinuz"\nmemory=128\n`;
    await ground.shell.put("left", [{ path: "/root/foreign.cfg", content: settings, mode: 0o600 }]);
    await onServer("xl", "create", "-q", "-p", "/root/foreign.cfg");
    expect(await codeOf(start(machine))).toBe("XEN_FOREIGN_DOMAIN");
    await ground.xen.kill(ground.site, machine.name);
    await ground.xen.remove(ground.site, machine.name);
    expect(await onServer("xl", "list")).toContain(machine.name);
    await onServer("xl", "destroy", machine.name);
  });
});

describe("a machine", () => {
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
  it("run beside each other", async () => {
    for (const machine of ground.machines) await start(machine);
    for (const machine of ground.machines) await answers(machine);
    const observed = await ground.xen.observe(ground.site);
    expect(observed.map(({ state }) => state)).toEqual(["running", "running"]);
  });
  describeVip(() => ground);
});

describe("the files of the examples", () => {
  it("are read by xl, each one", async () => {
    const files = await rendered();
    expect(files.length).toBeGreaterThan(20);
    const folder = "/root/rendered";
    await onServer("mkdir", "-p", folder);
    const named = files.map(({ content }, index) => ({
      path: `${folder}/${index}.cfg`,
      content,
      mode: 0o600,
    }));
    await ground.shell.put("left", named);
    const began = performance.now();
    for (const [index, { domain }] of files.entries()) {
      const said = await onServer("xl", "-N", "create", `${folder}/${index}.cfg`);
      expect(JSON.parse(said)).toMatchObject({ c_info: { name: domain.name, uuid: domain.uuid } });
    }
    figure(`xl -N create of ${files.length} files`, (performance.now() - began) / 1000);
    const spoilt = files[0]?.content.replace("access=rw", "access=rx") ?? "";
    await ground.shell.put("left", [{ path: `${folder}/spoilt.cfg`, content: spoilt, mode: 0o600 }]);
    const { code } = await ground.shell.run("left", ["xl", "-N", "create", `${folder}/spoilt.cfg`]);
    expect(code).not.toBe(0);
  });
});
