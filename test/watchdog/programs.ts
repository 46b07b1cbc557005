/** Our watchdog as a real process of the host, known to a plane by the certificate that an ECAM has. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { WATCHDOG_GROUP, WATCHDOG_USER, type WatchdogConfig } from "#render/ecam/watchdog.ts";
import type { Plane } from "../kube/plane.ts";
import { type Lan, PORT } from "./lan.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

export interface Ecam {
  readonly name: string;
  /** While the host has it, this one acts. */
  readonly vip: string;
  /** Resolves when it watches. */
  start(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  log(): string;
  /** The host names that it tells steering of; undefined before it does. */
  hosts(): readonly string[] | undefined;
  remove(): Promise<void>;
}

/** The watchdog of one ECAM; it is not started yet. */
export async function openEcam(plane: Plane, lan: Lan, name: string, vip: string): Promise<Ecam> {
  const folder = mkdtempSync(join(tmpdir(), "panopticon-watchdog-"));
  const { authority = "", client } = await plane.user(WATCHDOG_USER, [WATCHDOG_GROUP]);
  const files = { "ca.crt": authority, "client.crt": client?.certificate, "client.key": client?.key };
  for (const [file, text] of Object.entries(files))
    writeFileSync(join(folder, file), text ?? "", { mode: 0o600 });
  const config: WatchdogConfig = {
    self: name,
    activeAddress: vip,
    api: { server: plane.server, authority: "ca.crt", certificate: "client.crt", key: "client.key" },
    port: PORT,
    workers: lan.workers.map(({ name: worker, address }) => ({ name: worker, address })),
    nodes: lan.workers.map(({ name: node, address }) => ({ name: node, address })),
    hosts: "hosts.json",
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  const logFile = join(folder, "log");
  let child: ChildProcess | undefined;
  const log = (): string => readFileSync(logFile, "utf8");
  const kill = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  return {
    name,
    vip,
    kill,
    log,
    hosts() {
      const file = join(folder, "hosts.json");
      if (!existsSync(file)) return undefined;
      return (JSON.parse(readFileSync(file, "utf8")) as { hosts: readonly string[] }).hosts;
    },
    async start() {
      const output = openSync(logFile, "a");
      const said = log().length;
      const argv = [process.execPath, MAIN, "watchdog", "run", "--config", join(folder, "config.json")];
      child = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...argv], {
        stdio: ["ignore", output, output],
      });
      closeSync(output);
      const end = performance.now() + 60_000;
      while (!log().slice(said).includes("watches over")) {
        if (child.exitCode !== null || performance.now() > end)
          throw new Error(`the watchdog did not start:\n${log()}`);
        await sleep(50);
      }
    },
    async remove() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
