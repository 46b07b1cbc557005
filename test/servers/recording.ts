/**
 * A server as a real dom0 showed itself: what `xl` and LVM printed on the emulated
 * Debian 12 with Xen 4.17 of test/xen, with the machines of another plan in the
 * places of its own. Nothing here runs a domain.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";
import { domainFile } from "#render/xen/config.ts";
import { usualGround, type XenDomain, xenDomain, type XenGround } from "#render/xen/domain.ts";
import { readSections } from "../../src/drivers/xen/sections.ts";

const SECTIONS = readSections(
  readFileSync(join(import.meta.dirname, "../../src/drivers/xen/fixtures/building.txt"), "utf8"),
);

/** How a machine's domain stands apart from its plan; as planned where nothing is said. */
export interface Apart {
  /** `off` and `ended`: there is no domain; the latter crashed last. */
  readonly state?: "running" | "crashed" | "off" | "ended";
  readonly vcpus?: number;
  /** The most it may have, and what it is asked to keep to. */
  readonly memoryMiB?: number;
  /** Free in the group of its root. */
  readonly freeMiB?: number;
  /** What it is asked to keep to at the moment. */
  readonly targetMiB?: number;
  /** Of its root's volume. */
  readonly rootGiB?: number;
  readonly fileIsGone?: boolean;
}

/** Files of a server: what its `xl` and LVM print, by name, and what stands in its file system, by path. */
export interface Recording {
  readonly printed: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

/** The image that the recorded machines were made of. */
const IMAGE = SECTIONS("images").trim();

/** A server of the site with its machines made, each as planned but for what `apart` says of it. */
export function recordServer(
  plan: Plan,
  site: SitePlan,
  server: string,
  apart: Readonly<Record<string, Apart>> = {},
): Recording {
  const machines = site.machines.filter((machine) => machine.server === server);
  const made = machines.map((machine) => ({
    machine,
    ground: groundOf(plan, machine),
    ...apart[machine.name],
  }));
  const domains = made
    .map(({ machine, ground, ...how }, index) => ({
      domid: index + 1,
      state: how.state,
      domain: changed(xenDomain(site, machine, ground), how),
      targetMiB: how.targetMiB ?? how.memoryMiB ?? machine.memoryMiB,
    }))
    .filter(({ state }) => state !== "off" && state !== "ended");
  const files = made.filter(({ fileIsGone }) => !fileIsGone);
  return {
    printed: {
      info: SECTIONS("info"),
      settings: settingsOf(domains),
      states: statesOf(domains),
      assignable: SECTIONS("assignable"),
      devices: SECTIONS("devices"),
      groups: groupsOf(made.find(({ freeMiB }) => freeMiB !== undefined)?.freeMiB),
      volumes: volumesOf(made),
    },
    files: {
      [`/var/lib/panopticon/images/${IMAGE}/vmlinuz`]: "",
      "/etc/default/xendomains": SECTIONS("xendomains"),
      ...Object.fromEntries(
        files.flatMap(({ machine, ground }) => {
          const { path, content } = domainFile(plan, site, machine, ground);
          return [
            [path, content],
            [`/etc/xen/auto/${machine.name}.cfg`, content],
          ];
        }),
      ),
      ...Object.fromEntries(
        made
          .filter(({ state }) => state === "ended")
          .map(({ machine: { name } }) => [`/var/log/xen/xl-${name}.log`, CRASH]),
      ),
    },
  };
}

const CRASH = "Domain 1 has shut down, reason code 3 0x3\n";

interface Domain {
  readonly domid: number;
  readonly state: Apart["state"];
  readonly domain: XenDomain;
  readonly targetMiB: number;
}

function groundOf(plan: Plan, machine: MachinePlan): XenGround {
  return { ...usualGround(plan, machine), image: `/var/lib/panopticon/images/${IMAGE}` };
}

function changed(
  domain: XenDomain,
  { vcpus = domain.vcpus, memoryMiB = domain.memoryMiB }: Apart,
): XenDomain {
  return { ...domain, vcpus, memoryMiB };
}

/** `xl list -l`: dom0 as it was recorded, and the recorded guest once for each domain with that one's settings. */
function settingsOf(domains: readonly Domain[]): string {
  const [dom0, guest] = JSON.parse(SECTIONS("settings"));
  const entries = domains.map(({ domid, domain, targetMiB }) => {
    const { c_info: made, b_info: built, disks, nics, ...rest } = structuredClone(guest.config);
    const { name, uuid, type } = domain;
    return {
      domid,
      config: {
        ...rest,
        c_info: { ...made, name, uuid, type },
        b_info: {
          ...built,
          max_vcpus: domain.vcpus,
          avail_vcpus: Array.from({ length: domain.vcpus }, (_, index) => index),
          max_memkb: domain.memoryMiB * 1024,
          target_memkb: targetMiB * 1024,
          kernel: domain.kernel,
          ramdisk: domain.ramdisk,
          cmdline: `root=${domain.root} ${domain.extra}`,
        },
        disks: domain.disks.map(({ vdev, target }) => ({ ...disks[0], vdev, pdev_path: target })),
        nics: domain.nics.map(({ mac, bridge }) => ({ ...nics[0], mac, bridge })),
        on_crash: domain.onCrash,
      },
    };
  });
  return JSON.stringify([dom0, ...entries], null, 4);
}

/** `xl list -v`: the recorded heading and dom0, and a line of the same form for each domain. */
function statesOf(domains: readonly Domain[]): string {
  const head = SECTIONS("states").trimEnd().split("\n").slice(0, 2);
  const lines = domains.map(({ domid, state, domain, targetMiB }) => {
    const numbers = [
      String(domid).padStart(5),
      String(targetMiB).padStart(5),
      String(domain.vcpus).padStart(5),
    ];
    const letters = state === "crashed" ? "---sc-" : "-b----";
    return `${domain.name.padEnd(40)} ${numbers.join(" ")}     ${letters}      45.4 ${domain.uuid}        -                -`;
  });
  return `${[...head, ...lines].join("\n")}\n`;
}

function groupsOf(freeMiB: number | undefined): string {
  return freeMiB === undefined ? SECTIONS("groups") : `  ssd ${freeMiB.toFixed(2)}\n`;
}

/** `lvs`: one line a volume, as large as planned. */
function volumesOf(
  made: readonly ({ readonly machine: MachinePlan; readonly ground: XenGround } & Apart)[],
): string {
  const lines = made.flatMap(({ machine, ground, rootGiB }) =>
    machine.disks.map((disk) => {
      const gib = disk.name === "root" ? (rootGiB ?? disk.sizeGiB) : disk.sizeGiB;
      return `  ${ground.volume(disk).replace(/^\/dev\//, "")}/${(gib * 1024).toFixed(2)}\n`;
    }),
  );
  return lines.join("");
}
