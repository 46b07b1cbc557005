/** What the driver will not do, found out before anything is touched. */
import { describe, expect, it } from "vitest";
import type { XenGround } from "./ground.ts";
import { codeOf, onServer, seen, startMachine } from "./steps.ts";

/** The tests; none of the machines is there yet, and none after them. */
export function describeRefusals(ground: () => XenGround): void {
  describe("before anything is touched", () => {
    it("refuses memory that the server does not have", async () => {
      const [machine] = ground().machines;
      expect(await codeOf(startMachine(ground(), { ...machine, memoryMiB: 100_000 }))).toBe("XEN_NO_MEMORY");
    });

    it("refuses disks that the volume group has no room for", async () => {
      const [machine] = ground().machines;
      const disks = machine.disks.map((disk) => ({ ...disk, sizeGiB: 1000 }));
      expect(await codeOf(startMachine(ground(), { ...machine, disks }))).toBe("XEN_NO_SPACE");
    });

    it("refuses devices that dom0 stands on, that are not there, or that nothing can shield", async () => {
      const [machine] = ground().machines;
      const given = (pci: string) =>
        codeOf(startMachine(ground(), { ...machine, passthrough: [{ name: "card", pci }] }));
      expect(await given("0000:00:04.0")).toBe("XEN_DEVICE_NEEDED"); // its root disk
      expect(await given("0000:00:05.0")).toBe("XEN_DEVICE_NEEDED"); // the guests' disk
      expect(await given("0000:00:03.0")).toBe("XEN_DEVICE_NEEDED"); // the bridge's network card
      expect(await given("0000:00:1a.0")).toBe("XEN_NO_DEVICE");
      expect(await given("0000:00:10.0")).toBe("XEN_NO_IOMMU");
      expect(await onServer(ground(), "ls", "/sys/bus/pci/drivers")).not.toContain("pciback");
    });

    it("refuses types that the processor does not give", async () => {
      const [machine] = ground().machines;
      for (const virtualization of ["pvh", "hvm"] as const)
        expect(await codeOf(startMachine(ground(), { ...machine, virtualization }))).toBe("XEN_NO_HVM");
    });

    it("leaves a domain of the same name alone that is not ours", async () => {
      const [machine] = ground().machines;
      const { xen, site, shell } = ground();
      const kernel = await onServer(ground(), "sh", "-c", "echo /boot/vmlinuz-*");
      const settings = `name="${machine.name}"\ntype="pv"\nkernel="${kernel.trim()}"\nmemory=192\n`;
      await shell.put("left", [{ path: "/root/foreign.cfg", content: settings, mode: 0o600 }]);
      await onServer(ground(), "xl", "create", "-q", "-p", "/root/foreign.cfg");
      expect(await codeOf(startMachine(ground(), machine))).toBe("XEN_FOREIGN_DOMAIN");
      await xen.kill(site, machine.name);
      await xen.remove(site, machine.name);
      expect(await onServer(ground(), "xl", "list")).toContain(machine.name);
      await onServer(ground(), "xl", "destroy", machine.name);
    });

    it("has left nothing on the server by all that", async () => {
      const [machine] = ground().machines;
      expect(await seen(ground(), machine)).toBeUndefined();
      expect((await onServer(ground(), "lvs", "--noheadings", "-o", "lv_name")).trim()).toBe("");
      expect(await onServer(ground(), "ls", "/etc")).not.toContain("panopticon");
    });
  });
}
