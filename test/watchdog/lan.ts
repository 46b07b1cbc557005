/**
 * A LAN of real machines as far as a connect can tell: a bridge of the host with
 * a network namespace for each worker, in which something listens as kube-proxy
 * does. Cutting a worker's power is what the lab does: its processes are killed
 * and its namespace goes, so that nothing answers any more, not even ARP.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { runProcess } from "#base/process.ts";
import { ensureNamespaces, ipBatch, listNamespaces, removeNamespace } from "#drivers/lab/netns.ts";

const PREFIX = "pwd-";
const BRIDGE = "pwd-br";
const NET = "10.219.0";
export const PORT = 10_256;

/** A program that is started again and again: the address, then the port. */
const LISTENER = `const [host, port] = process.argv.slice(1);
require("node:net").createServer((socket) => socket.on("error", () => undefined).resume()).listen(Number(port), host);`;

export interface Worker {
  readonly name: string;
  readonly address: string;
  /** Resolves when it listens. */
  boot(): Promise<void>;
  /** Resolves when nothing answers any more. */
  cutPower(): Promise<void>;
  /** What listens is killed; its machine lives. */
  killProgram(): Promise<void>;
  startProgram(): Promise<void>;
  remove(): Promise<void>;
}

export interface Lan {
  readonly workers: readonly Worker[];
  /** Gives this host an address in the LAN, or takes it away. */
  hold(address: string): Promise<void>;
  leave(address: string): Promise<void>;
  /** An address in it that nobody has. */
  address(number: number): string;
  remove(): Promise<void>;
}

/** Makes it with so many workers, all booted; what a killed run has left goes first. */
export async function layLan(count: number): Promise<Lan> {
  await sweep();
  await ipBatch(undefined, [
    `link add ${BRIDGE} type bridge`,
    `address add ${NET}.1/24 dev ${BRIDGE}`,
    `link set ${BRIDGE} up`,
  ]);
  const workers = Array.from({ length: count }, (_, index) => openWorker(index + 1));
  await Promise.all(workers.map((worker) => worker.boot()));
  return {
    workers,
    address: (number) => `${NET}.${number}`,
    hold: (address) => ipBatch(undefined, [`address add ${address}/32 dev ${BRIDGE}`]),
    leave: (address) => ipBatch(undefined, [`address delete ${address}/32 dev ${BRIDGE}`]),
    async remove() {
      await Promise.all(workers.map((worker) => worker.remove()));
      await sweep();
    },
  };
}

async function sweep(): Promise<void> {
  for (const name of await listNamespaces(PREFIX)) await removeNamespace(name);
  await runProcess(["ip", "link", "delete", BRIDGE]);
}

function openWorker(number: number): Worker {
  const name = `worker-${number}`;
  const space = `${PREFIX}${name}`;
  const port = `${PREFIX}port${number}`;
  const address = `${NET}.${10 + number}`;
  // Its own for ever: with another one, whoever knows it would ask for the old one first.
  const mac = `02:00:00:db:00:${(10 + number).toString(16).padStart(2, "0")}`;
  let child: ChildProcess | undefined;
  /** What is left of a machine without power goes in its own time. */
  let gone: Promise<void> = Promise.resolve();
  const killProgram = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  const startProgram = async (): Promise<void> => {
    const inside = ["ip", "netns", "exec", space, process.execPath, "-e", LISTENER];
    const argv = ["--pdeathsig", "KILL", "--", ...inside, address, String(PORT)];
    child = spawn("setpriv", argv, { stdio: "ignore" });
    while (!(await answers(address))) await sleep(50);
  };
  const cutPower = async (): Promise<void> => {
    // Its plug first: what is killed would still refuse connections in the moment between.
    await runProcess(["ip", "link", "delete", port]);
    gone = killProgram().then(() => removeNamespace(space));
  };
  return {
    name,
    address,
    killProgram,
    startProgram,
    cutPower,
    async boot() {
      await gone;
      // The kernel clears a removed namespace away when it finds the time.
      await runProcess(["ip", "link", "delete", port]);
      await ensureNamespaces([space], []);
      await ipBatch(undefined, [
        `link add ${port} type veth peer name host0 address ${mac} netns ${space}`,
        `link set ${port} master ${BRIDGE} up`,
      ]);
      await ipBatch(space, [`address add ${address}/24 dev host0`, "link set host0 up"]);
      await startProgram();
    },
    async remove() {
      await cutPower();
      await gone;
    },
  };
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: PORT, signal: AbortSignal.timeout(200) });
    socket.once("connect", () => {
      resolve(true);
      socket.destroy();
    });
    socket.once("error", () => resolve(false));
  });
}
