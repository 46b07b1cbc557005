/** All that is true of one server, by one command over one connection. */
import { worldFailed } from "#base/errors.ts";
import { type NeededDevice, parseDevices, parseNeeded, type PciDevice } from "./devices.ts";
import { parseDomains, type RunningDomain } from "./domains.ts";
import { type DomainEnd, parseEnds } from "./ends.ts";
import { parseInfo, type XenInfo } from "./info.ts";
import {
  linesOf,
  LOOK_AT_INFO,
  LOOK_AT_NEEDED,
  LOOK_AT_XENDOMAINS,
  readSections,
  sectionScript,
  splitAt,
} from "./sections.ts";
import { type DomainState, parseDom0Memory, parseStates } from "./states.ts";
import { parseXendomains } from "./xendomains.ts";

export interface Domain extends DomainState {
  /** Missing while it is being made. */
  readonly settings?: RunningDomain;
}

export interface ServerFacts {
  readonly info: XenInfo;
  /** Of dom0 at this moment; undefined where xl does not say. */
  readonly dom0MiB: number | undefined;
  readonly domains: readonly Domain[];
  /** Our configuration files' texts by machine. */
  readonly files: ReadonlyMap<string, string>;
  /** Machines that the server starts when it boots. */
  readonly autostart: ReadonlySet<string>;
  readonly images: ReadonlySet<string>;
  readonly bridges: ReadonlySet<string>;
  /** Sizes in MiB by `GROUP/VOLUME`; NaN where LVM does not say. */
  readonly volumes: ReadonlyMap<string, number>;
  /** Free space by volume group, in MiB. */
  readonly groups: ReadonlyMap<string, number>;
  readonly devices: readonly PciDevice[];
  readonly needed: readonly NeededDevice[];
  readonly assignable: ReadonlySet<string>;
  readonly ends: ReadonlyMap<string, { readonly last: DomainEnd; readonly crashes: number }>;
  /** Whether guests are saved to disk when the server shuts down. */
  readonly savesGuests: boolean;
}

/** $1 the folder of our configurations, $2 that of images. Fixed text: nothing of a plan is read by a shell. */
export const FACTS_SCRIPT = sectionScript({
  info: LOOK_AT_INFO,
  settings: "xl list -l 2>/dev/null",
  states: "xl list -v 2>/dev/null",
  files: `for file in "$1"/*.cfg; do [ -e "$file" ] && printf '@@ %s\\n' "\${file##*/}" && cat "$file"; done`,
  autostart: "ls -1 /etc/xen/auto 2>/dev/null",
  images: 'ls -1 "$2" 2>/dev/null',
  bridges: `for one in /sys/class/net/*/bridge; do [ -e "$one" ] && one=\${one%/bridge} && echo "\${one##*/}"; done`,
  volumes: "lvs --noheadings --nosuffix --units m --separator / -o vg_name,lv_name,lv_size 2>/dev/null",
  groups: "vgs --noheadings --nosuffix --units m -o vg_name,vg_free 2>/dev/null",
  devices: "lspci -Dn",
  needed: LOOK_AT_NEEDED,
  assignable: "xl pci-assignable-list 2>/dev/null",
  ends: `
for file in "$1"/*.cfg; do
  name=\${file##*/}
  log=/var/log/xen/xl-\${name%.cfg}.log
  [ -e "$log" ] && printf '@@ %s\\n' "$name" && grep -E 'has shut down, reason code|has been destroyed' "$log" | tail -n 100
done`,
  xendomains: LOOK_AT_XENDOMAINS,
});

/** Reads what the script wrote; XEN_NO_TOOLSTACK where xl does not answer, XEN_UNREADABLE where it can't be read. */
export function readFacts(server: string, output: string): ServerFacts {
  const section = readSections(output);
  const lines = (name: string): readonly string[] => linesOf(section(name));
  const info = parseInfo(section("info"));
  if (info === undefined) {
    throw worldFailed(
      "XEN_NO_TOOLSTACK",
      `${server} is no Xen server: \`xl info\` does not answer there.`,
      "See whether it was booted with Xen and its toolstack runs: systemctl status xen",
    );
  }
  return {
    info,
    dom0MiB: parseDom0Memory(section("states")),
    domains: domainsOf(server, section("settings"), section("states")),
    files: byMachine(section("files")),
    autostart: new Set(lines("autostart").map((name) => name.replace(/\.cfg$/, ""))),
    images: new Set(lines("images")),
    bridges: new Set(lines("bridges")),
    volumes: new Map(lines("volumes").map(asVolume)),
    groups: new Map(lines("groups").map(asGroup)),
    devices: parseDevices(section("devices")),
    needed: parseNeeded(section("needed")),
    assignable: new Set(lines("assignable")),
    ends: new Map([...byMachine(section("ends"))].map(([name, log]) => [name, parseEnds(log)])),
    savesGuests: parseXendomains(section("xendomains")).savesGuests,
  };
}

function domainsOf(server: string, settings: string, states: string): readonly Domain[] {
  try {
    const running = parseDomains(settings);
    return parseStates(states).map((state) => {
      const own = running.get(state.domid);
      return own === undefined ? state : { ...state, settings: own };
    });
  } catch (error) {
    const said = settings.trim().slice(0, 200) || "nothing";
    throw worldFailed(
      "XEN_UNREADABLE",
      `\`xl list -l\` on ${server} gave no list: ${said}`,
      undefined,
      error,
    );
  }
}

function asGroup(line: string): readonly [string, number] {
  const [name = "", free = "0"] = line.split(/\s+/);
  return [name, Math.floor(Number(free))];
}

function asVolume(line: string): readonly [string, number] {
  const [group = "", name = "", size = ""] = line.split("/");
  return [`${group}/${name}`, Math.floor(Number.parseFloat(size))];
}

function byMachine(section: string): ReadonlyMap<string, string> {
  return splitAt(section, /^@@ (\S+)\.cfg$/);
}
