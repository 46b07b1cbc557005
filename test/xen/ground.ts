/** Everything a test on the emulated server stands on: its plan, the server, shells, the driver. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheDir } from "#app/folders.ts";
import { guestImages } from "#app/guest-images.ts";
import { mustRun } from "#base/process.ts";
import { openXen, type Xen } from "#drivers/xen/driver.ts";
import type { MachinePlan, SitePlan } from "#plan/plan.ts";
import type { Shell } from "#ports/shell.ts";
import { type RenderedFile, XEN } from "#render/files.ts";
import { renderSeed } from "#render/seed.ts";
import { type Dom0, startDom0 } from "./dom0.ts";
import { dom0Image } from "./dom0-image.ts";
import { portShell, type Reach } from "./shells.ts";
import { type EmulatedSite, emulatedSite } from "./site.ts";

/** The driver over a server that runs, and its shells; two of them may be open at the same time. */
export interface Driven extends EmulatedSite {
  /** Reaches the server, as `left`, and its guests by their names, by keys pinned before they were made. */
  readonly shell: Shell;
  readonly xen: Xen;
  readonly seedOf: (machine: MachinePlan) => readonly RenderedFile[];
}

export interface XenGround extends Driven {
  readonly dom0: Dom0;
  readonly reach: Reach;
  close(): Promise<void>;
}

/** Opens shells and a driver to a server that runs. */
export async function driverOver(reach: Reach): Promise<Driven> {
  const emulated = await emulatedSite();
  const { plan, site, machines } = emulated;
  const { authorizedKey } = await dom0Image(cacheDir());
  const image = await guestImages(() => undefined)("ecam");
  const shell = portShell(reach);
  const seeds = new Map<string, readonly RenderedFile[]>();
  for (const machine of machines) {
    const keys = {
      authorizedKey,
      hostKeyPrivate: await readFile(join(reach.folder, machine.name), "utf8"),
      hostKeyPublic: await readFile(join(reach.folder, `${machine.name}.pub`), "utf8"),
    };
    seeds.set(machine.name, renderSeed(plan, site, machine, XEN, keys));
  }
  const hostOf = (_site: SitePlan, server: string): string => server;
  const xen = openXen({ federation: plan.federation, shell, hostOf, imageOf: async () => image });
  return { ...emulated, shell, xen, seedOf: ({ name }) => seeds.get(name) ?? [] };
}

/** Boots the server and makes it what its operator would: a volume group on its empty disk. */
export async function openGround(options: { readonly iommu?: boolean } = {}): Promise<XenGround> {
  const { machines } = await emulatedSite();
  const image = await dom0Image(cacheDir());
  await guestImages(() => undefined)("ecam"); // built before the server runs, which wants both processors
  const folder = await mkdtemp(join(tmpdir(), "xen-"));
  const known = [`left ${image.hostKey}`];
  for (const { name } of machines) known.push(`${name} ${await newHostKey(join(folder, name))}`);
  await writeFile(join(folder, "known_hosts"), `${known.join("\n")}\n`);
  const forwards = Object.fromEntries(machines.map(({ name, address }) => [name, address]));
  const dom0 = await startDom0({ image, folder, forwards, ...options });
  const { dom0: left = 0, ...guests } = dom0.ports;
  const reach = { folder, keyFile: image.keyFile, ports: { ...guests, left } };
  const driven = await driverOver(reach);
  const close = async (): Promise<void> => {
    await driven.shell.close();
    await dom0.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const { code, stderr } = await driven.shell.run("left", ["vgcreate", "-q", "ssd", "/dev/vdb"]);
  if (code === 0) return { ...driven, dom0, reach, close };
  await close();
  throw new Error(`no volume group: ${stderr}`);
}

/** Made and pinned before its machine is. */
async function newHostKey(file: string): Promise<string> {
  await mustRun("TEST", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
  return (await readFile(`${file}.pub`, "utf8")).trim();
}
