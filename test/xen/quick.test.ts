/**
 * What `npm test` asks of a real Xen: a server is booted once, looked at,
 * refused what must be refused, and given one machine. The rest of this folder
 * takes most of an hour and is run by `npm run test:xen`.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { MachinePlan } from "#plan/plan.ts";
import { describeExamples } from "./examples.ts";
import { figure, showFigures } from "./figures.ts";
import { openGround, type XenGround } from "./ground.ts";
import { bringPackages } from "./packages.ts";
import { describeRefusals } from "./refusals.ts";
import { answers, codeOf, onServer, seen, startMachine } from "./steps.ts";

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

it("sees a server that has no machine, and what it lacks for them", async () => {
  const { xen, site } = ground;
  expect(await xen.observe(site)).toEqual([]);
  expect(await xen.lacks(site)).toEqual([
    expect.stringMatching(/^guests' image [0-9a-f]{16} on left$/),
    "xendomains on left that does not save guests",
  ]);
});

describeExamples(() => ground);

describeRefusals(() => ground);

it("makes a machine of our image: it runs, and answers by the key that was pinned before it was made", async () => {
  const { xen, site, machines } = ground;
  const [machine] = machines;
  const began = performance.now();
  await xen.prepare(site);
  figure("the image brought to the server", (performance.now() - began) / 1000);
  expect(await xen.lacks(site)).toEqual([]);
  await startMachine(ground, machine);
  expect(await seen(ground, machine)).toEqual({ name: machine.name, uuid: machine.uuid, state: "running" });
  await answers(ground, machine);
  expect(await xen.differences({ ...site, machines: [machine] })).toEqual([]);
});

it("is not restarted for what its server can't give it", async () => {
  const { xen, site, machines, shell } = ground;
  const [machine] = machines;
  const up = () => onServer(ground, "xl", "domid", machine.name);
  const before = await up();
  const mend = (change: Partial<MachinePlan>) => codeOf(xen.mend(site, { ...machine, ...change }));
  expect(await mend({ virtualization: "pvh" })).toBe("XEN_NO_HVM");
  expect(await mend({ memoryMiB: 100_000 })).toBe("XEN_NO_MEMORY");
  expect(await mend({ passthrough: [{ name: "card", pci: "0000:00:10.0" }] })).toBe("XEN_NO_IOMMU");
  expect(await up()).toBe(before);
  expect(await xen.differences({ ...site, machines: [machine] })).toEqual([]);
  expect((await shell.run(machine.name, ["hostname"])).stdout.trim()).toBe(machine.name);
});
