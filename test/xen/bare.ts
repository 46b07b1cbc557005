/**
 * A server without a system for the tests: QEMU emulates all of it, with a BIOS
 * or with UEFI, with the disks that are given and, where there is one, a stick.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tied } from "#components/run.ts";

/** Where the emulated server is to stand, and the card that it has. */
export const BARE = {
  address: "10.11.0.2",
  gateway: "10.11.0.1",
  lan: "10.11.0.0/24",
  mac: "52:54:00:11:00:02",
};

const MEMORY_MIB = 4096;
const OVMF = "/usr/share/OVMF";

export interface BareDisk {
  /** A raw file. */
  readonly file: string;
  readonly serial: string;
  /** `sata` or `virtio`. */
  readonly bus: "sata" | "virtio";
}

export interface BareOptions {
  /** Console and firmware's variables go there. */
  readonly folder: string;
  /** Of the console's file. */
  readonly name: string;
  readonly firmware: "bios" | "uefi";
  readonly disks: readonly BareDisk[];
  /** Image of a stick, booted first. */
  readonly stick?: string;
  /** A network namespace in which the server's address leads to it. */
  readonly namespace: string;
}

export interface Bare {
  /** What its first serial port said so far. */
  console(): Promise<string>;
  /** Waits until the console has the text; fails where the emulator ends before, or after so many seconds. */
  says(text: string, seconds: number): Promise<void>;
  /** Waits until the server restarts or switches itself off, which ends the emulator. */
  ends(seconds: number): Promise<void>;
  /** Cuts its power. */
  stop(): Promise<void>;
}

export async function startBare(options: BareOptions): Promise<Bare> {
  const log = join(options.folder, `${options.name}.log`);
  await rm(log, { force: true });
  const argv = ["ip", "netns", "exec", options.namespace, ...tied([...(await emulator(options, log))])];
  const [program = "", ...words] = argv;
  const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const console = (): Promise<string> => readFile(log, "latin1").catch(() => "");
  const failed = async (what: string): Promise<Error> =>
    new Error(`${what}: ${said}; the console ends with:\n${(await console()).slice(-3000)}`);
  return {
    console,
    says: async (text, seconds) => {
      const until = performance.now() + seconds * 1000;
      while (!(await console()).includes(text)) {
        if (hasEnded(child)) throw await failed(`the emulator ended before "${text}"`);
        if (performance.now() > until) throw await failed(`no "${text}" within ${seconds} s`);
        await sleep(500);
      }
    },
    ends: async (seconds) => {
      const until = performance.now() + seconds * 1000;
      while (!hasEnded(child)) {
        if (performance.now() > until) throw await failed(`it runs on after ${seconds} s`);
        await sleep(500);
      }
    },
    stop: async () => {
      if (hasEnded(child)) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function emulator(options: BareOptions, log: string): Promise<readonly string[]> {
  const { disks, stick } = options;
  const forward = `hostfwd=tcp:${BARE.address}:22-${BARE.address}:22`;
  const settings: readonly (readonly [option: string, value: string])[] = [
    ["-M", "q35"],
    ["-accel", "tcg,thread=multi,tb-size=512"],
    ["-cpu", "Nehalem"],
    ["-smp", "2"],
    ["-m", String(MEMORY_MIB)],
    ["-display", "none"],
    ["-vga", "std"],
    ["-serial", `file:${log}`],
    ["-device", "qemu-xhci"],
    ...(await firmware(options)),
    ...(stick === undefined ? [] : stickDevice(stick)),
    ...disks.flatMap(diskDevice),
    ["-netdev", `user,id=lan,restrict=on,net=${BARE.lan},host=${BARE.gateway},${forward}`],
    ["-device", `virtio-net-pci,netdev=lan,mac=${BARE.mac}`],
  ];
  return ["qemu-system-x86_64", "-nodefaults", "-no-reboot", ...settings.flat()];
}

async function firmware({ firmware: kind, folder }: BareOptions) {
  if (kind === "bios") return [];
  const variables = join(folder, "variables.fd");
  await copyFile(join(OVMF, "OVMF_VARS_4M.fd"), variables);
  return [
    ["-drive", `if=pflash,format=raw,readonly=on,file=${join(OVMF, "OVMF_CODE_4M.fd")}`],
    ["-drive", `if=pflash,format=raw,file=${variables}`],
  ] as const;
}

function stickDevice(image: string) {
  return [
    ["-drive", `file=${image},format=raw,if=none,id=stick,readonly=on`],
    ["-device", "usb-storage,drive=stick,bootindex=0"],
  ] as const;
}

function diskDevice({ file, serial, bus }: BareDisk, index: number) {
  const device = bus === "sata" ? "ide-hd" : "virtio-blk-pci";
  return [
    ["-drive", `file=${file},format=raw,if=none,id=disk${index},cache=unsafe,discard=unmap`],
    ["-device", `${device},drive=disk${index},serial=${serial},bootindex=${index + 1}`],
  ] as const;
}
