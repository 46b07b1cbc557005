/**
 * The lab: the hypervisor port over systemd-nspawn containers on one Linux box.
 * Machines are real Debian systems, so that everything above this driver takes
 * the same steps as on Xen.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { MachinePlan, SitePlan } from "#plan/plan.ts";
import type { Hypervisor, ObservedMachine } from "#ports/hypervisor.ts";
import type { RenderedFile } from "#render/files.ts";
import {
  anyLabCgroups,
  ensureCgroups,
  type Limits,
  machinesWithCgroups,
  processesOf,
  removeCgroups,
} from "./cgroups.ts";
import { hostLacks, raiseHostSettings, restoreHostSettings } from "./host.ts";
import { boot, createFolder, cutPower, folderUuid, machineFolder } from "./machine.ts";
import { labNames } from "./names.ts";
import { claim, disclaim, refuseForeign, RUN_FOLDER } from "./owner.ts";
import { listLinks, listNamespaces, ipBatch, removeNamespace } from "./netns.ts";
import { ensureNetwork, networkLacks, plugMachine, unplugMachine } from "./network.ts";
import { endOutside } from "./witness.ts";

export interface LabOptions {
  readonly federation: string;
  /** The lab's own folder in the federation's state; removed by `down`. */
  readonly labDir: string;
  /** Read-only root layers for a machine, topmost first. */
  readonly layers: readonly string[];
  /** Fills an empty folder with the node's container images. */
  readonly fillContainerd: (target: string) => Promise<void>;
  readonly limits: (machine: MachinePlan) => Limits;
}

export interface Lab extends Hypervisor {
  /** Removes everything of this federation's lab from the host, planned or not. */
  down(): Promise<void>;
  /** What of this federation's lab is on the host, in words; empty after `down`. */
  remains(): Promise<readonly string[]>;
}

export function openLab(options: LabOptions): Lab {
  const { federation, labDir } = options;
  const names = labNames(federation);
  const machinesDir = join(labDir, "machines");
  const folderOf = (name: string) => machineFolder(machinesDir, name);

  async function kill(name: string): Promise<void> {
    // Until its namespace is cleared away the kernel would answer for it, which a machine without power does not.
    await unplugMachine(names, name);
    await cutPower(federation, name);
    await removeNamespace(names.machine(name));
    await rm(join("/run/systemd/nspawn/propagate", names.nspawn(name)), {
      recursive: true,
      force: true,
    });
  }

  async function start(site: SitePlan, machine: MachinePlan, seed: readonly RenderedFile[]): Promise<void> {
    if ((await processesOf(federation, machine.name)).length > 0) return;
    await kill(machine.name); // what a power cut left of the last run: groups and the old interface
    await mkdir(machinesDir, { recursive: true, mode: 0o700 });
    const folder = folderOf(machine.name);
    await createFolder(folder, machine, seed, options.fillContainerd);
    await plugMachine(names, site, machine);
    await boot({
      machine,
      folder,
      layers: options.layers,
      namespace: names.machine(machine.name),
      groups: await ensureCgroups(federation, machine.name, options.limits(machine)),
      id: names.nspawn(machine.name),
    });
  }

  // Sites are prepared side by side, but they share the internet and the host's settings.
  let last: Promise<void> = Promise.resolve();
  function oneAtATime(work: () => Promise<void>): Promise<void> {
    last = last.catch(() => undefined).then(work);
    return last;
  }

  async function prepare(site: SitePlan): Promise<void> {
    await claim(federation, labDir);
    await mkdir(labDir, { recursive: true, mode: 0o700 });
    await raiseHostSettings();
    await ensureNetwork(names, site);
  }

  async function observe(site: SitePlan): Promise<readonly ObservedMachine[]> {
    const entries = existsSync(machinesDir) ? await readdir(machinesDir) : [];
    const own = entries.filter((name) => name.startsWith(`${site.name}-`) && /-\d+$/.test(name));
    return Promise.all(
      own.map(async (name) => ({
        name,
        uuid: (await folderUuid(folderOf(name))) ?? "",
        state: (await processesOf(federation, name)).length > 0 ? ("running" as const) : ("stopped" as const),
      })),
    );
  }

  async function remove(name: string): Promise<void> {
    await kill(name);
    await rm(folderOf(name).path, { recursive: true, force: true });
    await rm(join(machinesDir, `.#${name}.lck`), { force: true });
  }

  async function down(): Promise<void> {
    await refuseForeign(federation, labDir);
    const known = existsSync(machinesDir) ? await readdir(machinesDir) : [];
    const machines = new Set([...(await machinesWithCgroups(federation)), ...known]);
    await Promise.all([...machines].map((name) => kill(name)));
    await endOutside(names);
    for (const name of await listNamespaces(names.prefix)) await removeNamespace(name);
    await removeHostLinks();
    await removeCgroups(federation);
    await rm(labDir, { recursive: true, force: true });
    await disclaim(federation);
    if (await anyLabCgroups()) return;
    await restoreHostSettings();
    // With the last lab go the sockets that killed runs have left.
    await rm(RUN_FOLDER, { recursive: true, force: true });
  }

  async function removeHostLinks(): Promise<void> {
    const own = (await listLinks()).filter((name) => name.startsWith(names.hostInterfacePrefix));
    // A veth end goes with its namespace; what is left had its namespace removed by hand.
    for (const name of own) await ipBatch(undefined, [`link delete ${name}`]).catch(() => undefined);
  }

  async function remains(): Promise<readonly string[]> {
    return [
      ...(await listNamespaces(names.prefix)).map((name) => `network namespace ${name}`),
      ...(await listLinks())
        .filter((name) => name.startsWith(names.hostInterfacePrefix))
        .map((name) => `interface ${name}`),
      ...(await machinesWithCgroups(federation)).map((name) => `control groups of ${name}`),
      ...(existsSync(labDir) ? [`folder ${labDir}`] : []),
    ];
  }

  return {
    lacks: async (site) => {
      await refuseForeign(federation, labDir);
      return [...(await hostLacks()), ...(await networkLacks(names, site))];
    },
    prepare: (site) => oneAtATime(() => prepare(site)),
    observe,
    start,
    kill: (_site, name) => kill(name),
    remove: (_site, name) => remove(name),
    down,
    remains,
  };
}
