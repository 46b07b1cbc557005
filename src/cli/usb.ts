/** `panopticon usb build FILE`: an image for a stick that installs a server from bare metal. */
import { resolve } from "node:path";
import type { UsbResult } from "#app/usb.ts";
import { type AddCommand, command, group, type OutputOption } from "./command.ts";
import { show, table } from "./print.ts";

/** Adds `usb`. */
export const addUsb: AddCommand = (program) => {
  program.addCommand(group("usb", "sticks that install servers from bare metal", [buildCommand()]));
};

interface UsbFlags extends OutputOption {
  readonly server: string;
  readonly out: string;
  readonly authorize?: string;
  readonly knownHosts?: string;
  readonly overwrite?: boolean;
  readonly dryRun?: boolean;
}

function buildCommand() {
  return command(
    "build",
    "make the image of a stick that installs Debian with Xen on one of the file's servers",
    [
      "usb build home.yaml --server flat/left --out left.img --dry-run",
      "usb build home.yaml --server flat/left --out left.img",
      "usb build home.yaml --server flat/left --out left.img --authorize ~/.ssh/servers.pub",
    ],
  )
    .argument("<file>", "federation file whose server has an `address:`")
    .requiredOption("--server <site/server>", "which server it installs, such as flat/left")
    .requiredOption("--out <image>", "the image to write; only you can read it, for a host key is in it")
    .option("--authorize <file>", "public key that the server's root shall accept (~/.ssh/id_ed25519.pub)")
    .option("--known-hosts <file>", "where the server's host key is pinned (~/.ssh/known_hosts)")
    .option("--overwrite", "let it write a disk that the file names by its serial though data is on it")
    .option("--dry-run", "say what would be made and which disks it would write, and write nothing")
    .action(build);
}

async function build(path: string, flags: UsbFlags): Promise<void> {
  const [{ readFederation }, { buildUsb }, { showProgress }, { interruptSignal }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/usb.ts"),
    import("./progress.ts"),
    import("./streams.ts"),
  ]);
  const { federation } = await readFederation(path);
  const { server, out, authorize, knownHosts, overwrite = false, dryRun = false, output } = flags;
  const progress = showProgress();
  try {
    const result = await buildUsb(federation, {
      server,
      out,
      ...(authorize && { authorize: resolve(authorize) }),
      ...(knownHosts && { knownHosts: resolve(knownHosts) }),
      overwrite,
      dryRun,
      emit: progress.emit,
      signal: interruptSignal(),
    });
    progress.stop();
    show(output, { ...result, overwrite, dryRun }, () =>
      dryRun ? plannedLines(result, overwrite) : doneLines(result, overwrite, path),
    );
  } finally {
    progress.stop();
  }
}

function plannedLines(result: UsbResult, overwrite: boolean): readonly string[] {
  const { site, server, out, knownHosts, address, system } = result;
  return [
    `${out} would install ${site}/${server} at ${address}; nothing was written.`,
    system ? systemLine(system) : "Its system (Debian with Xen) would be built first, which takes minutes.",
    `A host key would be made and pinned in ${knownHosts}.`,
    "",
    ...diskLines(result, overwrite),
  ];
}

function doneLines(result: UsbResult, overwrite: boolean, file: string): readonly string[] {
  const { site, server, out, knownHosts, address, system, fingerprint, bytes = 0, seconds = 0 } = result;
  return [
    `${out} installs ${site}/${server} at ${address}: ${(bytes / 1e6).toFixed(1)} MB, made in ${Math.round(seconds)} s.`,
    ...(system ? [systemLine(system)] : []),
    `Its host key ${fingerprint} is pinned in ${knownHosts}; the key itself is only in the image, so keep that to yourself.`,
    "",
    ...diskLines(result, overwrite),
    "",
    "Next: put it onto a stick, whose content is lost, and boot the server from it (secure boot switched off):",
    `  dd if=${out} of=/dev/STICK bs=4M conv=fsync status=progress`,
    "When it has restarted from its disk:",
    `  panopticon server adopt ${address}`,
    `  panopticon apply ${file} --dry-run`,
  ];
}

function systemLine({ version, kernel, xen }: NonNullable<UsbResult["system"]>): string {
  return `Its system: Debian ${version}, kernel ${kernel}, Xen ${xen}.`;
}

function diskLines({ disks }: UsbResult, overwrite: boolean): readonly string[] {
  const rows = disks.map(({ name, low, high, serial }, index) => [
    name,
    index === 0 ? "the system, and a volume group behind it" : "a volume group",
    serial === undefined
      ? `the only empty disk of ${gigabytes(low)} to ${gigabytes(high)} GB`
      : `serial ${serial}`,
    serial === undefined || !overwrite ? "it is empty" : "always: what is on it is lost",
  ]);
  return [...table(["disk", "gets", "is", "written if"], rows), "Every other disk is shown and left alone."];
}

function gigabytes(bytes: number): number {
  return Math.round(bytes / 1e9);
}
