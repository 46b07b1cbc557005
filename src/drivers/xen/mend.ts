/** Brings a domain's settings back to its plan: in place where Xen can, else by an orderly restart. */
import { differences } from "./drift.ts";
import type { Domain, ServerFacts } from "./facts.ts";
import { ownDomain, refuseDevices, refuseMemory, refuseType } from "./refuse.ts";
import { must, startDomain, type StartOptions, writeDomainFile } from "./start.ts";
import { destroyDomain, isGone, locked } from "./toolstack.ts";

/** A guest that has not shut down by then is switched off. */
const SHUTDOWN_SECONDS = 120;

/**
 * Refuses what the server can't do while the machine still runs. Writes the machine's file and its link first, so that a restart of whatever
 * kind comes up as planned; a machine that is off is left off.
 */
export async function mendDomain(options: StartOptions): Promise<void> {
  const { server, machine, domain } = options;
  const facts = await options.facts();
  const own = ownDomain(server.name, facts, machine);
  refuseType(server.name, facts, domain);
  refuseDevices(server.name, facts, domain);
  refuseMemory(server.name, withoutIt(facts, own), domain);
  await writeDomainFile(options);
  if (own?.state !== "running") return;
  const found = differencesOf(options, facts).filter(({ where }) => where === "domain");
  if (found.some(({ restart }) => restart)) await restartDomain(options, facts, own.domid);
  else if (found.length > 0)
    await must(options, [
      ...locked(machine.name),
      "xl",
      "mem-set",
      String(own.domid),
      String(machine.memoryMiB),
    ]);
}

/** The server's facts as they are once the domain is gone and has given its memory back. */
function withoutIt(facts: ServerFacts, own: Domain | undefined): ServerFacts {
  const freeMemoryMiB = facts.info.freeMemoryMiB + (own?.memoryMiB ?? 0);
  return { ...facts, info: { ...facts.info, freeMemoryMiB } };
}

function differencesOf({ machine, domain, file }: StartOptions, facts: ServerFacts) {
  return differences({
    planned: file.content,
    domain,
    file: facts.files.get(machine.name),
    running: facts.domains.find(({ uuid }) => uuid === machine.uuid)?.settings,
    autostart: facts.autostart.has(machine.name),
  });
}

async function restartDomain(options: StartOptions, facts: ServerFacts, domid: number): Promise<void> {
  const { shell, server, machine } = options;
  const shutdown = ["timeout", String(SHUTDOWN_SECONDS), "xl", "shutdown", "-w", String(domid)];
  const { code } = await shell.run(server.host, [...locked(machine.name), ...shutdown]);
  const gone = code === 0 && (await isGone(shell, server.host, domid, SHUTDOWN_SECONDS));
  if (!gone) await destroyDomain(shell, server, facts, machine.name, machine.uuid);
  await startDomain(options);
}
