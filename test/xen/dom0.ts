/**
 * A server for the tests: QEMU emulates all of it in software, and a real Xen
 * with a real dom0 runs there. Its network is the site's LAN; the ports given
 * here lead from 127.0.0.1 into it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runProcess } from "#base/process.ts";
import { tied } from "#components/run.ts";
import { sshArguments } from "#drivers/ssh/options.ts";
import { DOM0, type Dom0Image } from "./dom0-image.ts";

const MEMORY_MIB = 4096;
/** What dom0 keeps; the rest is for guests. */
const DOM0_MIB = 1200;
/** The server's disk for machines, a sparse file. */
const DISK_GIB = 64;
/** A server takes 35 s on two idle processors; where others work on those it takes as long as it takes. */
const BOOT_SECONDS = 900;

export interface Dom0Options {
  readonly image: Dom0Image;
  /** A folder of the run's own; its disk, console and known hosts go there. */
  readonly folder: string;
  /** The LAN's addresses whose SSH ports are wanted, by machine name. */
  readonly forwards: Readonly<Record<string, string>>;
  /** With an IOMMU the boot takes a third longer. */
  readonly iommu?: boolean;
  readonly memoryMiB?: number;
  /** A network namespace in which the server's own address leads to it, too, as it does in a LAN. */
  readonly namespace?: string;
}

export interface Dom0 {
  /** Ports on 127.0.0.1 that lead to port 22, by machine name; `dom0` is the server itself. */
  readonly ports: Readonly<Record<string, number>>;
  readonly bootSeconds: number;
  readonly pid: number;
  /** Ends this emulator, and waits until it is gone. */
  stop(): Promise<void>;
}

/** Starts the server; returns once its SSH server lets the operator in. */
export async function startDom0(options: Dom0Options): Promise<Dom0> {
  const { folder } = options;
  const disk = join(folder, "ssd.img");
  await (await open(disk, "w")).close();
  await truncate(disk, DISK_GIB * 2 ** 30);
  const addresses = { dom0: DOM0.address, ...options.forwards };
  const ports: Record<string, number> = {};
  for (const name of Object.keys(addresses)) ports[name] = await freePort();
  const knownHosts = join(folder, "dom0_known_hosts");
  await writeFile(knownHosts, `dom0 ${options.image.hostKey}\n`);
  const started = performance.now();
  const [program = "", ...argv] = [...within(options), ...qemu(options, disk, addresses, ports)];
  const child = spawn(program, argv, { stdio: ["ignore", "ignore", "pipe"] });
  const stop = () => end(child);
  try {
    await answers(child, options, knownHosts, ports["dom0"] ?? 0);
  } catch (error) {
    await stop();
    throw error;
  }
  const bootSeconds = (performance.now() - started) / 1000;
  return { ports, bootSeconds, pid: child.pid ?? 0, stop };
}

function within({ namespace }: Dom0Options): readonly string[] {
  return namespace === undefined ? [] : ["ip", "netns", "exec", namespace];
}

function qemu(
  { image, folder, iommu = false, memoryMiB = MEMORY_MIB, namespace }: Dom0Options,
  disk: string,
  addresses: Readonly<Record<string, string>>,
  ports: Readonly<Record<string, number>>,
): readonly string[] {
  const forwards = Object.entries(addresses).map(
    ([name, address]) => `hostfwd=tcp:127.0.0.1:${ports[name]}-${address}:22`,
  );
  if (namespace !== undefined) forwards.push(`hostfwd=tcp:${DOM0.address}:22-${DOM0.address}:22`);
  const xen = `console=com1 com1=115200 dom0_mem=${DOM0_MIB}M,max:${DOM0_MIB}M dom0_max_vcpus=2 xpti=off spec-ctrl=off bootscrub=0`;
  const linux = "console=hvc0 root=/dev/vda rw quiet nopti mitigations=off net.ifnames=0";
  const lan = `${DOM0.gateway.replace(/[0-9]+$/, "0")}/${DOM0.prefix}`;
  const settings: readonly (readonly [option: string, value: string])[] = [
    ["-accel", "tcg,thread=multi,tb-size=512"],
    ["-cpu", "Nehalem"],
    ["-smp", "2"],
    ["-M", iommu ? "q35,kernel-irqchip=split" : "q35"],
    ["-m", String(memoryMiB)],
    ["-display", "none"],
    ["-serial", `file:${join(folder, "console.log")}`],
    ["-kernel", image.xen],
    ["-append", xen],
    ["-initrd", `${image.kernel} ${linux},${image.initrd}`],
    ["-drive", `file=${image.disk},format=raw,if=none,id=root,snapshot=on`],
    ["-device", "virtio-blk-pci,drive=root,addr=04.0"],
    ["-drive", `file=${disk},format=raw,if=none,id=ssd,cache=unsafe,discard=unmap`],
    ["-device", "virtio-blk-pci,drive=ssd,addr=05.0"],
    ["-netdev", `user,id=lan,restrict=on,net=${lan},host=${DOM0.gateway},${forwards.join(",")}`],
    ["-device", `virtio-net-pci,netdev=lan,mac=${DOM0.mac},addr=03.0`],
    // A card that nothing of dom0 stands on: may be passed through.
    ["-device", "e1000e,addr=10.0"],
  ];
  const first = iommu ? ["-device", "intel-iommu,intremap=on"] : [];
  return tied(["qemu-system-x86_64", "-nodefaults", ...first, ...settings.flat()]);
}

async function answers(
  child: ChildProcess,
  options: Dom0Options,
  knownHostsFile: string,
  port: number,
): Promise<void> {
  const { image, folder } = options;
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.on("error", (error) => (said += error.message));
  const args = sshArguments({ keyFile: image.keyFile, knownHostsFile, port }, "dom0", []);
  const until = performance.now() + BOOT_SECONDS * 1000;
  while (performance.now() < until) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the emulator ended: ${said.trim()}`);
    const ssh = ["timeout", "30", "ssh", ...args, "--", "127.0.0.1", "true"];
    const { code } = await runProcess([...within(options), ...ssh]);
    if (code === 0) return;
    await sleep(1000);
  }
  const tail = (await readFile(join(folder, "console.log"), "utf8").catch(() => "")).slice(-2000);
  throw new Error(`dom0 did not answer within ${BOOT_SECONDS} s; its console ends with:\n${tail}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL"); // its disks are scratch
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
