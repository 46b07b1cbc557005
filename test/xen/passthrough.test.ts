/** A device named in the file reaches its guest, on an emulated server with an emulated IOMMU. */
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { figure, showFigures } from "./figures.ts";
import { openGround, type XenGround } from "./ground.ts";
import { bringPackages } from "./packages.ts";

/** The emulator's second network card. */
const CARD = "0000:00:10.0";
const MODEL = "8086:10d3";

let ground: XenGround;

beforeAll(async () => {
  await bringPackages();
  ground = await openGround({ iommu: true });
  figure("dom0 with an IOMMU from power-on to SSH", ground.dom0.bootSeconds);
});

afterAll(async () => {
  await ground?.close();
  showFigures();
});

it("gives the guest the card that its plan names, and takes it back", async () => {
  const { xen, site, shell, machines, seedOf } = ground;
  const machine = { ...machines[0], passthrough: [{ name: "card", pci: CARD }] };
  const planned = { ...site, machines: [machine, machines[1]] };
  await xen.prepare(planned);
  await xen.start(planned, machine, seedOf(machine));
  await vi.waitFor(
    async () => {
      const argv = ["sh", "-c", "cat /sys/bus/pci/devices/*/vendor /sys/bus/pci/devices/*/device"];
      const { stdout } = await shell.run(machine.name, argv, { timeoutSeconds: 30 });
      expect(stdout.replaceAll("0x", "").trim().split("\n").join(":")).toBe(MODEL);
    },
    { timeout: 600_000, interval: 2000 },
  );
  expect(await xen.differences(planned)).toEqual([]);
  // Planned without it, the running domain has a device too many.
  expect(await xen.differences(site)).toContainEqual({
    machine: machine.name,
    where: "domain",
    what: `has device ${CARD}, which is not planned`,
    restart: true,
  });
  await xen.remove(planned, machine.name);
  expect(await xen.observe(planned)).toEqual([]);
});
