/** All that is true of a host that is to carry machines, whether it is a Xen server yet or not. */
import { worldFailed } from "#base/errors.ts";
import { type NeededDevice, parseNeeded } from "../devices.ts";
import { parseCommandLine, parseInfo, type XenInfo } from "../info.ts";
import { linesOf, readSections } from "../sections.ts";
import { parseXendomains, type Xendomains } from "../xendomains.ts";
import {
  type BlockDevice,
  type NamedDevice,
  parseDisks,
  parseGroups,
  parseNamedDevices,
  type VolumeGroup,
} from "./hardware.ts";
import { type Link, managementLink, parseDefaultRoute, parseLinks } from "./links.ts";

export interface HostFacts {
  readonly hostname: string;
  readonly root: boolean;
  /** Such as `debian` and `12`; `title` is for people. */
  readonly release: { readonly id: string; readonly version: string; readonly title: string };
  readonly xen: XenState;
  /** Those that the driver calls and that are not there. */
  readonly missingPrograms: readonly string[];
  readonly boot: {
    readonly canUpdateGrub: boolean;
    /** What Xen is given when the server boots next; undefined where GRUB's menu has no Xen. */
    readonly nextCommandLine: string | undefined;
  };
  readonly network: {
    readonly links: readonly Link[];
    readonly management: Link | undefined;
    readonly gateway: string | undefined;
    /** Who sets the network up: `systemd-networkd`, `NetworkManager`, `ifupdown`. */
    readonly managers: readonly string[];
  };
  readonly groups: readonly VolumeGroup[];
  readonly disks: readonly BlockDevice[];
  readonly devices: readonly NamedDevice[];
  readonly needed: readonly NeededDevice[];
  /** The graphics card that dom0's console is on. */
  readonly screen: ReadonlySet<string>;
  /** `table`: whether the firmware tells of an IOMMU. Groups by device; none under Xen, which keeps the IOMMU to itself. */
  readonly iommu: { readonly table: boolean; readonly groups: ReadonlyMap<string, string> };
  readonly pciback: { readonly loaded: boolean; readonly there: boolean; readonly atBoot: boolean };
  readonly xendomains: Xendomains & { readonly enabled: boolean };
  readonly time: {
    /** Services that keep the clock and run. */
    readonly active: readonly string[];
    readonly synchronized: boolean;
    readonly timesyncdThere: boolean;
  };
}

export interface XenState {
  /** Whether this is dom0, the domain that Xen gives the hardware to. */
  readonly dom0: boolean;
  /** Whether this runs under Xen, as dom0 or as a guest. */
  readonly under: boolean;
  readonly installed: boolean;
  /** Undefined where the toolstack does not answer. */
  readonly info: XenInfo | undefined;
  /** What Xen was booted with. */
  readonly commandLine: string;
}

/** Reads what the script wrote; SERVER_UNREADABLE where one of its parts is not what it should be. */
export function readHost(server: string, output: string): HostFacts {
  const section = readSections(output);
  const lines = (name: string): readonly string[] => linesOf(section(name));
  const has = (name: string, line: string): boolean => lines(name).includes(line);
  try {
    return {
      hostname: lines("hostname")[0] ?? "",
      root: lines("user")[0] === "0",
      release: parseRelease(section("release")),
      xen: xenState(section("xen"), section("info")),
      missingPrograms: lines("programs"),
      boot: {
        canUpdateGrub: has("boot", "can update-grub"),
        nextCommandLine: lines("boot").find((line) => line !== "can update-grub"),
      },
      network: networkOf(section, lines("network")),
      groups: parseGroups(section("groups"), section("volumes"), section("physical")),
      disks: parseDisks(section("disks"), section("paths")),
      devices: parseNamedDevices(section("devices")),
      needed: parseNeeded(section("needed")),
      screen: new Set(lines("screen")),
      iommu: {
        table: lines("iommu").some((line) => line.startsWith("table ")),
        groups: new Map(lines("iommu").flatMap(asGroup)),
      },
      pciback: {
        loaded: has("pciback", "loaded"),
        there: has("pciback", "there"),
        atBoot: has("pciback", "at-boot"),
      },
      xendomains: { ...parseXendomains(section("xendomains")), enabled: has("xendomains", "enabled") },
      time: {
        active: lines("time").flatMap((line) => /^active (\S+)$/.exec(line)?.[1] ?? []),
        synchronized: has("time", "NTPSynchronized=yes"),
        timesyncdThere: has("time", "timesyncd"),
      },
    };
  } catch (error) {
    throw worldFailed(
      "SERVER_UNREADABLE",
      `What ${server} says of itself can't be read: ${String(error).slice(0, 300)}`,
      "Panopticon is made for servers with Debian 12 or 13.",
      error,
    );
  }
}

function xenState(state: string, info: string): XenState {
  const value = (key: string): string => new RegExp(`^${key} (.*)$`, "m").exec(state)?.[1] ?? "";
  return {
    under: value("type") === "xen",
    dom0: value("capabilities").includes("control_d"),
    installed: /^installed /m.test(state),
    info: parseInfo(info),
    commandLine: parseCommandLine(info),
  };
}

function networkOf(section: (name: string) => string, managers: readonly string[]): HostFacts["network"] {
  const links = parseLinks(section("links"), section("cards"));
  const route = parseDefaultRoute(section("routes"));
  const management = managementLink(links, section("session"), route);
  const gateway = route?.link === management?.name ? route?.gateway : undefined;
  return { links, management, gateway: gateway || undefined, managers };
}

/** `/etc/os-release`; see os-release(5). */
function parseRelease(text: string): HostFacts["release"] {
  const value = (key: string): string => new RegExp(`^${key}=(["']?)(.*)\\1$`, "m").exec(text)?.[2] ?? "";
  return { id: value("ID"), version: value("VERSION_ID"), title: value("PRETTY_NAME") };
}

/** `group NUMBER ADDRESS`. */
function asGroup(line: string): readonly (readonly [string, string])[] {
  const match = /^group (\S+) (\S+)$/.exec(line);
  return match?.[1] && match[2] ? [[match[2], match[1]]] : [];
}
