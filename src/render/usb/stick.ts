/** What a stick says to the installer on it: which server this is, and which disks it may write. */
import { nameUuid, sha256 } from "#base/hash.ts";
import type { Disk, Server, Site } from "#model/federation.ts";
import type { RenderedFile } from "#render/files.ts";
import { plainText, word } from "../refuse.ts";
import { serverHostName } from "./server-files.ts";

/** What the installer takes of the first disk, in MiB. */
export interface SystemSize {
  /** dom0's own partition. */
  readonly systemMiB: number;
  /** Tables and boot loaders. */
  readonly overheadMiB: number;
}

export interface Stick {
  /** The federation's name. */
  readonly federation: string;
  readonly site: Site;
  readonly server: Server;
  /** Another one for each stick, as a UUID. */
  readonly id: string;
  /** Whether a disk that is named by its serial is written though data is on it. */
  readonly overwrite: boolean;
}

/** A disk of the file, and which disks of the server it may be, in bytes. */
export interface WantedDisk {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly serial?: string;
}

/** Below what the file says: makers count in thousands and round. */
const LOW = 0.98;
/** Above it: the file may leave something out, and the system needs its part. */
const HIGH = 1.25;

/** The server's disks as the installer looks for them; the first one takes the system. */
export function wantedDisks(server: Server, { systemMiB, overheadMiB }: SystemSize): readonly WantedDisk[] {
  return server.disks.map(({ name, sizeGiB, serial }: Disk, index) => {
    const bytes = sizeGiB * 2 ** 30;
    const system = index === 0 ? (systemMiB + overheadMiB) * 2 ** 20 : 0;
    const bounds = { low: Math.floor(bytes * LOW), high: Math.ceil((bytes + system) * HIGH) };
    return { name, ...bounds, ...(serial !== undefined && { serial }) };
  });
}

/** Always the same for one server of one federation: by it an installation that was cut off is known. */
export function serverId({ federation, site, server }: Stick): string {
  return nameUuid(`server/${federation}/${site.name}/${server.name}`);
}

/** Name of the stick's file system, by which the installer finds it. */
export function stickLabel({ id }: Stick): string {
  return `PANOPTICON_${sha256(id).slice(0, 12).toUpperCase()}`;
}

/** Files of the stick but for the system, the server's own and the checksums; paths from its top. */
export function stickFiles(stick: Stick, size: SystemSize): readonly RenderedFile[] {
  const { site, server, federation } = stick;
  const file = (path: string, content: string): RenderedFile => ({ path, content, mode: 0o644 });
  const title = `${serverHostName(site, server)} of ${word(federation, "usb", /^[a-z][a-z0-9-]*$/)}`;
  return [
    file("/boot/grub/grub.cfg", bootMenu(stick, title)),
    file("/panopticon/name", `${title}\n`),
    file("/panopticon/mac", server.mac === undefined ? "" : `${server.mac}\n`),
    file("/panopticon/system-mib", `${size.systemMiB}\n`),
    file("/panopticon/wanted", wantedFile(stick, size)),
  ];
}

/** Read by choose.sh: fields between bars. */
function wantedFile(stick: Stick, size: SystemSize): string {
  const least = (size.systemMiB + size.overheadMiB + 1024) * 2 ** 20;
  const lines = [
    ["server", serverId(stick), stick.id, stick.overwrite ? "1" : "0", String(least)],
    ...wantedDisks(stick.server, size).map(({ name, low, high, serial = "" }) => [
      "disk",
      name,
      String(low),
      String(high),
      serial,
    ]),
  ];
  return lines.map((fields) => `${fields.map((field) => plainText(field, "usb", "|")).join("|")}\n`).join("");
}

/**
 * Where the server is installed already the stick starts it from its disk, so
 * that a stick that is left in does no harm. One that may overwrite goes by its
 * own installation alone.
 */
function bootMenu(stick: Stick, title: string): string {
  const mark = `/boot/panopticon/${stick.overwrite ? stick.id : serverId(stick)}`;
  return `set timeout=3
insmod all_video
insmod part_gpt
insmod ext2
search --no-floppy --set=installed --file ${mark}
if [ -n "$installed" ]; then
  echo "${title} is installed: starting it from its disk"
  set root=$installed
  configfile /boot/grub/grub.cfg
fi
menuentry "Install ${title}" {
  linux /panopticon/vmlinuz boot=panopticon panopticon.stick=${stickLabel(stick)} console=ttyS0,115200n8 console=tty0 quiet
  initrd /panopticon/initrd.img /panopticon/boot.img
}
`;
}
