/** Planes and agents that have not joined anything yet, for journeys. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProcess } from "#base/process.ts";
import type { Kube } from "#ports/kube.ts";
import { type Plane, startPlanes } from "../kube/plane.ts";
import { writeKubeconfig } from "./federation.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A cluster and whoever runs its agent; nothing there knows of any other site. */
export interface Loner {
  readonly name: string;
  readonly plane: Plane;
  readonly kube: Kube;
  /** With a kubeconfig of its own cluster alone, and what is added. */
  startAgent(...argv: readonly string[]): void;
  /** Its exit code, once it has ended by itself. */
  agentEnd(): Promise<number>;
  killAgent(): Promise<void>;
  agentLog(): string;
}

export interface Ground {
  readonly loners: readonly Loner[];
  /** A file of this text that only we can read. */
  file(name: string, text: string): string;
  /** As the administrator of every plane. */
  panopticon(...argv: readonly string[]): Promise<Ran>;
  remove(): Promise<void>;
}

/** Every plane is prepared as a site of its name; no agent runs. */
export async function startGround(count: number): Promise<Ground> {
  const planes = await startPlanes(count, { durable: false });
  const dir = mkdtempSync(join(tmpdir(), "panopticon-joining-"));
  const admin = join(dir, "admin");
  writeKubeconfig(
    admin,
    planes.map(({ name, admin: settings }) => [name, settings]),
  );
  const panopticon = (...argv: readonly string[]): Promise<Ran> =>
    runProcess([process.execPath, MAIN, ...argv, "--kubeconfig", admin]);
  const loners = await Promise.all(planes.map((plane) => loner(plane, dir)));
  return {
    loners,
    file(name, text) {
      writeFileSync(join(dir, name), text, { mode: 0o600 });
      return join(dir, name);
    },
    panopticon,
    async remove() {
      await Promise.all(loners.map((one) => one.killAgent()));
      await Promise.all(planes.map((plane) => plane.remove()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function loner(plane: Plane, dir: string): Promise<Loner> {
  const { name } = plane;
  const [own, log] = [join(dir, `${name}-own`), join(dir, `${name}-log`)];
  // A certificate without any group: its rights are those that the site gives this user.
  writeKubeconfig(own, [[name, await plane.user(`panopticon:agent:${name}`)]]);
  writeFileSync(log, "");
  let agent: ChildProcess | undefined;
  let gone: Promise<number> | undefined;
  return {
    name,
    plane,
    kube: plane.open(),
    startAgent(...argv) {
      const output = openSync(log, "a");
      const all = ["agent", "run", "--site", name, "--kubeconfig", own, ...argv];
      const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", process.execPath, MAIN, ...all], {
        stdio: ["ignore", output, output],
      });
      agent = child;
      gone = new Promise((resolve) => child.once("exit", (code) => resolve(code ?? -1)));
      closeSync(output);
    },
    agentEnd: () => gone ?? Promise.reject(new Error("it was never started")),
    async killAgent() {
      agent?.kill("SIGKILL");
      await gone;
    },
    agentLog: () => readFileSync(log, "utf8"),
  };
}
