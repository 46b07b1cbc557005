/** Commands of xl that change something, each under the machine's lock on its server. */
import { setTimeout as sleep } from "node:timers/promises";
import { worldFailed } from "#base/errors.ts";
import type { Shell } from "#ports/shell.ts";
import type { ServerFacts } from "./facts.ts";

/** Making a domain takes up to a minute on a slow server. */
const LOCK_SECONDS = 180;

/**
 * Prefix of a command that has a machine to itself on its server. `-o`: what the
 * command leaves running (xl's own watcher) does not keep the lock.
 */
export function locked(machine: string): readonly string[] {
  return ["flock", "-o", "-w", String(LOCK_SECONDS), `/run/lock/panopticon-${machine}.lock`];
}

/** A domain that ends by itself is taken apart by xl's own watcher. */
const DYING_SECONDS = 30;

/** Waits until xl knows no domain of this number; false where it still does at the end of its time. */
export async function isGone(shell: Shell, host: string, domid: number, seconds: number): Promise<boolean> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(1000)) {
    if ((await shell.run(host, ["xl", "domname", String(domid)])).code !== 0) return true;
  }
  return false;
}

/** Ends the machine's domain at once, where there is one; a foreign one of its name is left alone. */
export async function destroyDomain(
  shell: Shell,
  server: { readonly name: string; readonly host: string },
  facts: ServerFacts,
  name: string,
  uuid: string,
): Promise<void> {
  const domain = facts.domains.find((each) => each.uuid === uuid);
  if (domain === undefined) return;
  const argv = [...locked(name), "xl", "destroy", String(domain.domid)];
  const { code, stderr } = await shell.run(server.host, argv);
  if (code === 0) return;
  // It may have ended by itself, or be about to: then the two stood in each other's way.
  if (await isGone(shell, server.host, domain.domid, DYING_SECONDS)) return;
  throw worldFailed(
    "XEN_DESTROY_FAILED",
    `${name} on ${server.name} could not be destroyed: ${stderr.trim()}`,
  );
}
