/** Brings a domain's settings back to its plan: in place where Xen can, else by an orderly restart. */
import { volumeName } from "#render/xen/domain.ts";
import { differences, type Known } from "./drift.ts";
import type { Domain, ServerFacts } from "./facts.ts";
import { knownOf } from "./known.ts";
import { ownDomain, refuseDevices, refuseMemory, refuseSpace, refuseType } from "./refuse.ts";
import { must, startDomain, type StartOptions, writeDomainFile } from "./start.ts";
import { destroyDomain, isGone, locked } from "./toolstack.ts";

/** A guest that has not shut down by then is switched off. */
const SHUTDOWN_SECONDS = 120;

/**
 * Refuses what the server can't do while the machine still runs. Disks grow
 * first, then the machine's file and its link are written, so that a restart of
 * whatever kind comes up as planned; a machine that is off is left off.
 */
export async function mendDomain(options: StartOptions): Promise<void> {
  const { server, machine, domain } = options;
  const facts = await options.facts();
  const own = ownDomain(server.name, facts, machine);
  refuseType(server.name, facts, domain);
  refuseDevices(server.name, facts, domain);
  refuseMemory(server.name, withoutIt(facts, own), domain);
  await growDisks(options, facts);
  await writeDomainFile(options);
  if (own?.state !== "running") return;
  const found = differences(known(options, facts)).filter(({ where }) => where === "domain");
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

function known({ machine, domain, file, federation }: StartOptions, facts: ServerFacts): Known {
  return knownOf(federation, machine, file.content, domain, facts);
}

/** Gives volumes that are too small the planned size; XEN_NO_SPACE before any is touched. */
async function growDisks(options: StartOptions, facts: ServerFacts): Promise<void> {
  const { server, machine, federation } = options;
  const small = known(options, facts).disks.filter(
    ({ plannedGiB, foundMiB }) => foundMiB < plannedGiB * 1024,
  );
  const wanted = new Map<string, number>();
  for (const { name, plannedGiB, foundMiB } of small) {
    const group = groupOf(machine, name);
    wanted.set(group, (wanted.get(group) ?? 0) + plannedGiB * 1024 - foundMiB);
  }
  refuseSpace(server.name, facts, machine.name, wanted);
  for (const { name, plannedGiB } of small) {
    const volume = `${groupOf(machine, name)}/${volumeName(federation, machine.name, name)}`;
    await must(options, [...locked(machine.name), "lvextend", "-qq", "-L", `${plannedGiB}g`, volume]);
  }
}

function groupOf({ disks }: StartOptions["machine"], name: string): string {
  return disks.find((disk) => disk.name === name)?.from ?? "";
}

async function restartDomain(options: StartOptions, facts: ServerFacts, domid: number): Promise<void> {
  const { shell, server, machine } = options;
  const shutdown = ["timeout", String(SHUTDOWN_SECONDS), "xl", "shutdown", "-w", String(domid)];
  const { code } = await shell.run(server.host, [...locked(machine.name), ...shutdown]);
  const gone = code === 0 && (await isGone(shell, server.host, domid, SHUTDOWN_SECONDS));
  if (!gone) await destroyDomain(shell, server, facts, machine.name, machine.uuid);
  await startDomain(options);
}
