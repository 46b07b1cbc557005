/** All that is true of one server, by one command over one connection. */
import { worldFailed } from "#base/errors.ts";
import { type NeededDevice, parseDevices, parseNeeded, type PciDevice } from "./devices.ts";
import { parseDomains, type RunningDomain } from "./domains.ts";
import { type DomainEnd, parseEnds } from "./ends.ts";
import { parseInfo, type XenInfo } from "./info.ts";
import { type DomainState, parseStates } from "./states.ts";

export interface Domain extends DomainState {
  /** Missing while it is being made. */
  readonly settings?: RunningDomain;
}

export interface ServerFacts {
  readonly info: XenInfo;
  readonly domains: readonly Domain[];
  /** Our configuration files' texts by machine. */
  readonly files: ReadonlyMap<string, string>;
  /** Machines that the server starts when it boots. */
  readonly autostart: ReadonlySet<string>;
  readonly images: ReadonlySet<string>;
  readonly bridges: ReadonlySet<string>;
  /** `GROUP/VOLUME`. */
  readonly volumes: ReadonlySet<string>;
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
export const FACTS_SCRIPT = `
section() { printf '\\n@@@ %s\\n' "$1"; }
section info; xl info 2>/dev/null
section settings; xl list -l 2>/dev/null
section states; xl list -v 2>/dev/null
section files; for file in "$1"/*.cfg; do [ -e "$file" ] && printf '@@ %s\\n' "\${file##*/}" && cat "$file"; done
section autostart; ls -1 /etc/xen/auto 2>/dev/null
section images; ls -1 "$2" 2>/dev/null
section bridges; for one in /sys/class/net/*/bridge; do [ -e "$one" ] && one=\${one%/bridge} && echo "\${one##*/}"; done
section volumes; lvs --noheadings --separator / -o vg_name,lv_name 2>/dev/null
section groups; vgs --noheadings --nosuffix --units m -o vg_name,vg_free 2>/dev/null
section devices; lspci -Dn
section needed
for one in /sys/class/net/*; do
  [ -e "$one/device" ] || continue
  if [ -e "$one/master" ] || ip -o address show dev "\${one##*/}" | grep -q inet; then
    echo "nic \${one##*/} $(readlink -f "$one/device")"
  fi
done
pvs=$(pvs --noheadings -o pv_name 2>/dev/null | tr -s ' \\n' ' ')
for one in /sys/class/block/*; do
  name=\${one##*/}
  case $name in loop*|dm-*|ram*) continue ;; esac
  read -r number < "$one/dev"
  if [ "$(echo "$one"/holders/*)" != "$one/holders/*" ] || grep -q " $number " /proc/self/mountinfo ||
    grep -q "^/dev/$name " /proc/mounts /proc/swaps || case " $pvs " in *" /dev/$name "*) ;; *) false ;; esac; then
    echo "disk $name $(readlink -f "$one")"
  fi
done
section assignable; xl pci-assignable-list 2>/dev/null
section ends
for file in "$1"/*.cfg; do
  name=\${file##*/}
  log=/var/log/xen/xl-\${name%.cfg}.log
  [ -e "$log" ] && printf '@@ %s\\n' "$name" && grep -E 'has shut down, reason code|has been destroyed' "$log" | tail -n 100
done
section xendomains; grep -s '^XENDOMAINS_SAVE=' /etc/default/xendomains
exit 0
`;

/** Reads what the script wrote; XEN_NO_TOOLSTACK where xl does not answer, XEN_UNREADABLE where it can't be read. */
export function readFacts(server: string, output: string): ServerFacts {
  const sections = split(output, /^@@@ (\w+)$/);
  const section = (name: string): string => sections.get(name) ?? "";
  const lines = (name: string): readonly string[] =>
    section(name)
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
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
    domains: domainsOf(server, section("settings"), section("states")),
    files: byMachine(section("files")),
    autostart: new Set(lines("autostart").map((name) => name.replace(/\.cfg$/, ""))),
    images: new Set(lines("images")),
    bridges: new Set(lines("bridges")),
    volumes: new Set(lines("volumes")),
    groups: new Map(lines("groups").map(asGroup)),
    devices: parseDevices(section("devices")),
    needed: parseNeeded(section("needed")),
    assignable: new Set(lines("assignable")),
    ends: new Map([...byMachine(section("ends"))].map(([name, log]) => [name, parseEnds(log)])),
    savesGuests: lines("xendomains").some((line) => !/^XENDOMAINS_SAVE=("")?$/.test(line)),
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

function byMachine(section: string): ReadonlyMap<string, string> {
  return split(section, /^@@ (\S+)\.cfg$/);
}

/** Parts of a text by the lines that head them. */
function split(text: string, heading: RegExp): ReadonlyMap<string, string> {
  const parts = new Map<string, string>();
  let name: string | undefined;
  for (const line of text.split("\n")) {
    const match = heading.exec(line);
    if (match?.[1] !== undefined) {
      name = match[1];
      parts.set(name, "");
    } else if (name !== undefined) parts.set(name, `${parts.get(name)}${line}\n`);
  }
  return parts;
}
