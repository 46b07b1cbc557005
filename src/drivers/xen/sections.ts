/**
 * Much looked at by one command: a fixed script writes each part under a
 * heading of its own. What more than one script looks at stands here.
 */

const SECTION = `section() { printf '\\n@@@ %s\\n' "$1"; }`;

/** A script that runs each part under its name; a part that fails stops no other. */
export function sectionScript(parts: Readonly<Record<string, string>>): string {
  const sections = Object.entries(parts).map(([name, commands]) => `section ${name}; ${commands}`);
  return ["", SECTION, ...sections, "exit 0", ""].join("\n");
}

/** What such a script wrote, by the part's name; empty where the part is not there. */
export function readSections(output: string): (name: string) => string {
  const sections = splitAt(output, /^@@@ (\w+)$/);
  return (name) => sections.get(name) ?? "";
}

/** The lines of a part without their blanks; empty ones are left out. */
export function linesOf(section: string): readonly string[] {
  return section
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

/** Parts of a text by the lines that head them. */
export function splitAt(text: string, heading: RegExp): ReadonlyMap<string, string> {
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

/** Read by `parseInfo`. */
export const LOOK_AT_INFO = "xl info 2>/dev/null";

/** Read by `parseNeeded`: network cards in use, and block devices that are mounted, held or physical volumes. */
export const LOOK_AT_NEEDED = `
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
done`;

/** Read by `parseXendomains`. */
export const LOOK_AT_XENDOMAINS = "grep -sE '^XENDOMAINS_(SAVE|AUTO)=' /etc/default/xendomains";
