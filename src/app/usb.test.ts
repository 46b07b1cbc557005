/** What `usb build` refuses before anything is built; the image itself is made and booted in test/xen. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { parseFederation } from "#model/parse.ts";
import { buildUsb } from "./usb.ts";

const folder = mkdtempSync(join(tmpdir(), "usb-"));
afterAll(() => rmSync(folder, { recursive: true }));

const KEY = join(folder, "key.pub");
writeFileSync(KEY, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAdmin admin\n");
writeFileSync(join(folder, "letter"), "dear\n");

const { federation } = parseFederation(
  `{kind: Federation, apiVersion: panopticon/v1, name: home, domain: home.test, crown: flat, sites: [
    {name: flat, controlplanes: 1, network: {lan: 10.11.0.0/24, gateway: 10.11.0.1, external: 203.0.113.1},
     servers: [{name: left, address: 10.11.0.2, cpus: 8, memory: 32GiB, disks: [{name: ssd, size: 500GB}]},
               {name: right, cpus: 8, memory: 32GiB, disks: [{name: ssd, size: 500GB}]}]}]}`,
  "home.yaml",
);

it.each([
  ["another server's name", { server: "flat/lefft" }, "USB_SERVER_UNKNOWN", "flat/left?"],
  ["a server without an address", { server: "flat/right" }, "USB_NO_ADDRESS", "address:"],
  ["overwriting a disk without a serial", { overwrite: true }, "USB_OVERWRITE", "serial:"],
  ["no public key", { authorize: join(folder, "none.pub") }, "USB_NO_KEY", "ssh-keygen"],
  ["a file that is no public key", { authorize: join(folder, "letter") }, "USB_NO_KEY", "--authorize"],
  ["a file of somebody's", { out: join(folder, "letter") }, "USB_OUT_TAKEN", "another name"],
  ["a folder", { out: folder }, "USB_OUT_TAKEN", "another name"],
  ["a device", { out: "/dev/null" }, "USB_OUT_TAKEN", "another name"],
])("refuses %s", async (_what, wrong, code, hint) => {
  const right = { server: "flat/left", out: join(folder, "left.img"), authorize: KEY, overwrite: false };
  const asked = buildUsb(federation, { ...right, dryRun: true, emit: () => undefined, ...wrong });
  await expect(asked).rejects.toMatchObject({
    exit: 2,
    problems: [{ code, hint: expect.stringContaining(hint) }],
  });
});
