/**
 * A LAN that is this box's alone: a network namespace whose loopback has every
 * address that is asked for, and one outside of it from which only its door is
 * seen. Whoever made it holds its first process by a pipe: it ends with us,
 * however we end, and the kernel ends all others of it then.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { runProcess } from "#base/process.ts";

/** Where the LAN is seen from outside, and who looks. */
export const DOOR = "192.0.2.1";
const OUTSIDE = "192.0.2.9";

const HOLD = `
set -e
ip link set lo up
ip link add xenbr0 type bridge
unshare --net sleep 100000 & outside=$!
while [ "$(readlink /proc/$outside/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
ip link add door type veth peer name person netns $outside
ip address add ${DOOR}/24 dev door
ip link set door up
nsenter --target $outside --net ip address add ${OUTSIDE}/24 dev person
nsenter --target $outside --net ip link set person up
echo $outside
exec cat
`;

export interface Lan {
  /** Words before a command that is to run within: \`processes\` of it see and end with the LAN's. */
  readonly inside: readonly string[];
  /** Likewise, in the network only. */
  readonly network: readonly string[];
  /** Likewise, from outside of it. */
  readonly outside: readonly string[];
  /** Gives it one more address. */
  add(address: string): Promise<void>;
  close(): Promise<void>;
}

/** Needs root. */
export async function openLan(): Promise<Lan> {
  const child = spawn("unshare", ["--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", HOLD], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const outside = await firstLine(child);
  const task = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
  const first = task.trim();
  const network = ["nsenter", `--net=/proc/${first}/ns/net`];
  return {
    inside: ["nsenter", "--target", first, "--net", "--mount", "--pid"],
    network,
    outside: ["nsenter", `--net=/proc/${first}/root/proc/${outside}/ns/net`],
    add: async (address) => {
      const argv = [...network, "ip", "address", "add", `${address}/32`, "dev", "lo"];
      const { code, stderr } = await runProcess(argv);
      if (code !== 0) throw new Error(`the LAN did not take ${address}: ${stderr}`);
    },
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.stdin?.end();
      await ended;
    },
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout?.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the LAN ended with ${code}; it needs root`)));
  });
}
