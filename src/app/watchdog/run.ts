/** The watchdog over workers as a process of an ECAM, on real sockets and the site's own API. */
import { readFile, rename, writeFile } from "node:fs/promises";
import type { Emit } from "#base/events.ts";
import { worldFailed } from "#base/errors.ts";
import { openRequestReader } from "#converge/pki/request.ts";
import { MANAGED_LABEL } from "#control/federation/api/names.ts";
import { approveKubelets } from "#control/kubelets/approver.ts";
import { systemClock } from "#control/runtime/clock.ts";
import { followHosts } from "#control/watchdog/hosts.ts";
import { PROBE_TIMEOUT_MS } from "#control/watchdog/sight.ts";
import { Watchdog } from "#control/watchdog/watchdog.ts";
import { openKube } from "#drivers/kube/client.ts";
import { holds } from "../own-addresses.ts";
import { readWatchdogConfig } from "./config.ts";
import { probeWorker } from "./probe.ts";

/** Runs until `signal` is aborted. Errors: CLI_FILE_…, WATCHDOG_CONFIG, WATCHDOG_KEY_FILE. */
export async function runWatchdog(file: string, emit: Emit, signal: AbortSignal): Promise<void> {
  const { self, activeAddress, api, port, workers, nodes, hosts, at } = await readWatchdogConfig(file);
  const [authority, certificate, key] = await Promise.all([
    readKey(at(api.authority)),
    readKey(at(api.certificate)),
    readKey(at(api.key)),
  ]);
  const note = (what: string): void => emit({ kind: "note", subject: self, what });
  const kube = openKube({ server: api.server, authority, client: { certificate, key } });
  const read = await openRequestReader();
  const acts = (): boolean => holds(activeAddress);
  const watchdog = new Watchdog({
    self,
    workers,
    probe: ({ address }) => probeWorker(address, port, PROBE_TIMEOUT_MS),
    acts,
    kube,
    clock: systemClock,
    note,
  });
  note(
    `watches over ${workers.map(({ name }) => name).join(", ") || "nobody"}; acts while it holds ${activeAddress}`,
  );
  try {
    await Promise.all([
      watchdog.run(signal),
      approveKubelets({ nodes, read, acts, kube, clock: systemClock, note }, signal),
      followHosts({
        kube,
        // Copies that the federation keeps here: what runs at several sites is what is steered.
        labelSelector: `${MANAGED_LABEL}=true`,
        tell: (names) => writeHosts(at(hosts), names, note),
        signal,
      }),
    ]);
  } finally {
    await kube.close();
  }
}

/** Whole or not at all. A disk that fails is complained of: who steers goes on with what it has. */
async function writeHosts(
  path: string,
  hosts: readonly string[],
  note: (what: string) => void,
): Promise<void> {
  try {
    await writeFile(`${path}.new`, `${JSON.stringify({ hosts })}\n`, { mode: 0o644 });
    await rename(`${path}.new`, path);
    note(`the site's services answer to ${hosts.join(", ") || "no name"}`);
  } catch (error) {
    note(`the site's host names can't be written: ${(error as Error).message}`);
  }
}

async function readKey(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? "unreadable";
    throw worldFailed(
      "WATCHDOG_KEY_FILE",
      `${path}, which the watchdog needs, can't be used (${why})`,
      "Bring the machine's files to it again: panopticon lab up.",
      cause,
    );
  }
}
