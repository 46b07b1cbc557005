/**
 * One connection to a machine that its commands share (ssh_config(5),
 * ControlMaster): a command then costs milliseconds instead of a handshake. The
 * master is a child of ours with a session of its own that reads our pipe, so
 * it ends with us, however we end.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { connectionFailure } from "./failure.ts";

const READY = "ready";
const READY_SECONDS = 30;
const CLOSE_SECONDS = 2;

export interface Destination {
  readonly machine: string;
  readonly address: string;
  /** Name of the machine on the way, for errors. */
  readonly through?: string;
}

export interface Master {
  /** The socket that commands join it by. */
  readonly socket: string;
  /** Whether it still holds its connection, asked of the master itself. */
  alive(): Promise<boolean>;
  close(): Promise<void>;
}

/** Connects; gives the master once commands can join it. `args` are `ssh` arguments up to the address. */
export function openMaster(
  { machine, address, through }: Destination,
  args: readonly string[],
  socket: string,
): Promise<Master> {
  const own = ["-o", "ControlMaster=yes", "-o", "ControlPersist=no", "-S", socket];
  const child = spawn("ssh", [...own, ...args, "--", address, `echo ${READY} && exec cat >/dev/null`], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  return new Promise((resolve, reject) => {
    let stderr = "";
    const late = setTimeout(() => child.kill("SIGKILL"), READY_SECONDS * 1000);
    child.stdin.on("error", () => undefined); // the master may be gone before its pipe is closed
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout.once("data", () => {
      clearTimeout(late);
      resolve({ socket, alive: () => check(socket), close: () => end(child) });
    });
    child.once("error", (error) => {
      stderr += error.message;
    });
    child.once("close", () => {
      clearTimeout(late);
      reject(connectionFailure(machine, address, stderr, through));
    });
  });
}

function check(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn("ssh", ["-F", "none", "-S", socket, "-O", "check", "master"], { stdio: "ignore" });
    child.once("error", () => resolve(false));
    child.once("close", (code) => resolve(code === 0));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const late = setTimeout(() => child.kill("SIGKILL"), CLOSE_SECONDS * 1000);
    child.once("close", () => {
      clearTimeout(late);
      resolve();
    });
    child.kill("SIGTERM");
  });
}
