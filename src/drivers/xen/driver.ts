/**
 * Xen: the hypervisor port over `xl` on servers that are reached by a shell.
 * What a server does is looked at by one command; what changes it holds a lock
 * there, so that a run that was killed and the one after it never work on a
 * machine at the same time.
 */
import { worldFailed } from "#base/errors.ts";
import type { Role } from "#model/federation.ts";
import type { MachinePlan, SitePlan } from "#plan/plan.ts";
import type { Hypervisor, ObservedMachine } from "#ports/hypervisor.ts";
import type { MachineSettings, SettingsDrift } from "#ports/settings.ts";
import type { Shell } from "#ports/shell.ts";
import type { RenderedFile } from "#render/files.ts";
import { domainFile } from "#render/xen/config.ts";
import { configFolder, usualGround, volumeName, XEN_FOLDERS, xenDomain } from "#render/xen/domain.ts";
import { differences, type Difference } from "./drift.ts";
import { knownOf } from "./known.ts";
import { FACTS_SCRIPT, readFacts, type ServerFacts } from "./facts.ts";
import type { GuestImage } from "./image.ts";
import { limiter, type Limit } from "../ssh/limit.ts";
import { lookAt, type ServerLook, unseen } from "./look.ts";
import { mendDomain } from "./mend.ts";
import { refuseShrinking } from "./refuse.ts";
import { prepareServer, serverLacks, type ServerNeeds } from "./server.ts";
import { startDomain, type StartOptions } from "./start.ts";
import { destroyDomain } from "./toolstack.ts";
import { removeVolume } from "./volume.ts";

/** A look takes a tenth of this on an emulated server. */
const LOOK_SECONDS = 60;
/** Servers that are looked at beside each other, each over a connection of its own. */
const LOOKS_AT_ONCE = 8;

export interface XenOptions {
  readonly federation: string;
  /** Reaches servers, by the names that `hostOf` gives. */
  readonly shell: Shell;
  /** The shell's name of a site's server. */
  readonly hostOf: (site: SitePlan, server: string) => string;
  /** What machines of a role that are made from now on boot; those that are there keep what they were made of. */
  readonly imageOf: (role: Role) => Promise<GuestImage>;
}

export interface Xen extends Hypervisor, MachineSettings {
  /** How the site's planned machines differ from their plan, on disk and running; those that are absent are left out. */
  differences(site: SitePlan): Promise<readonly Difference[]>;
  /** What each of the site's servers is like; one that can't be looked at says why. */
  look(site: SitePlan): Promise<readonly ServerLook[]>;
}

/** One server of a site, with how it is called in messages and by the shell. */
export interface Server {
  readonly name: string;
  readonly host: string;
  readonly limit: Limit;
}

export function openXen(options: XenOptions): Xen {
  const { federation, shell, imageOf } = options;
  const limits = new Map<string, Limit>();
  const looks = limiter(LOOKS_AT_ONCE);
  const serverOf = (site: SitePlan, name: string): Server => {
    const host = options.hostOf(site, name);
    const limit = limits.get(host) ?? limiter(1);
    limits.set(host, limit);
    return { name, host, limit };
  };
  const serversOf = (site: SitePlan): readonly Server[] => {
    const names = [...site.servers.map(({ name }) => name), ...site.machines.map(({ server }) => server)];
    return [...new Set(names)].map((name) => serverOf(site, name));
  };
  const domainOf = async (site: SitePlan, machine: MachinePlan, facts: ServerFacts) => {
    // Somebody may have taken its file away while its domain goes on.
    const running = facts.domains.find(({ uuid }) => uuid === machine.uuid)?.settings;
    const kept = imageFolder(facts.files.get(machine.name)) ?? folderOf(running?.kernel);
    const image = kept ?? (await imageOf(machine.role)).folder;
    const ground = { ...usualGround({ federation }, machine), image };
    const file = domainFile({ federation }, site, machine, ground);
    return { image, file, domain: xenDomain(site, machine, ground) };
  };

  async function factsOf(server: Server): Promise<ServerFacts> {
    const argv = ["sh", "-c", FACTS_SCRIPT, "facts", configFolder(federation), XEN_FOLDERS.images];
    // xl waits for ever where the server's xenstored has died.
    const { stdout } = await looks(() => shell.run(server.host, argv, { timeoutSeconds: LOOK_SECONDS }));
    return readFacts(server.name, stdout);
  }

  /** What the facts say of the site's machines, planned or not. */
  function machinesThere(site: SitePlan, server: Server, facts: ServerFacts): readonly ObservedMachine[] {
    const own = [...facts.files.keys()].filter((name) => name.startsWith(`${site.name}-`));
    // Somebody may have taken a file away while its domain goes on.
    const planned = site.machines.filter(
      (machine) => machine.server === server.name && facts.domains.some(({ uuid }) => uuid === machine.uuid),
    );
    const names = new Set([...own, ...planned.map(({ name }) => name)]);
    return [...names].map((name) => observed(facts, name, uuidOf(site, facts, name)));
  }

  /** The servers that may have the machine: its own, or all where it is not planned. */
  function whereIs(site: SitePlan, name: string): readonly Server[] {
    const planned = site.machines.find((machine) => machine.name === name);
    return planned ? [serverOf(site, planned.server)] : serversOf(site);
  }

  /** Does the work on each server that may have the machine, with what is true there. */
  async function there(
    site: SitePlan,
    name: string,
    work: (server: Server, facts: ServerFacts, uuid: string) => Promise<void>,
  ): Promise<void> {
    for (const server of whereIs(site, name)) {
      await server.limit(async () => {
        const facts = await factsOf(server);
        await work(server, facts, uuidOf(site, facts, name));
      });
    }
  }

  async function remove(site: SitePlan, name: string): Promise<void> {
    const prefix = volumeName(federation, name, "");
    await there(site, name, async (server, facts, uuid) => {
      await mustRun(server, ["rm", "-f", "--", `/etc/xen/auto/${name}.cfg`]);
      await destroyDomain(shell, server, facts, name, uuid);
      for (const volume of facts.volumes.keys()) {
        const [group = "", own = ""] = volume.split("/");
        if (own.startsWith(prefix)) await removeVolume(shell, server.host, { group, name: own });
      }
      // Last, because it is what a machine is known by.
      await mustRun(server, ["rm", "-f", "--", `${configFolder(federation)}/${name}.cfg`]);
    });
  }

  async function startOptions(
    site: SitePlan,
    machine: MachinePlan,
    seed: readonly RenderedFile[],
  ): Promise<StartOptions> {
    const server = serverOf(site, machine.server);
    const facts = () => factsOf(server);
    const own = await domainOf(site, machine, await facts());
    return { shell, server, facts, federation, machine, seed, ...own };
  }

  async function needsOf(site: SitePlan, { name }: Server, facts: ServerFacts): Promise<ServerNeeds> {
    const own = site.machines.filter(({ server }) => server === name);
    const images = new Map<string, GuestImage>();
    for (const machine of own.filter((each) => imageFolder(facts.files.get(each.name)) === undefined)) {
      const image = await imageOf(machine.role);
      images.set(image.digest, image);
    }
    // A volume group is called as the disk of the file is.
    const groups = new Set(own.flatMap(({ disks }) => disks.map(({ from }) => from)));
    return { images: [...images.values()], groups: [...groups] };
  }

  async function mustRun(server: Server, argv: readonly string[]): Promise<void> {
    const { code, stderr } = await shell.run(server.host, argv);
    if (code !== 0)
      throw worldFailed("XEN_COMMAND_FAILED", `\`${argv.join(" ")}\` on ${server.name}: ${stderr.trim()}`);
  }

  async function serverDifferences(
    site: SitePlan,
    server: Server,
    facts: ServerFacts,
  ): Promise<readonly Difference[]> {
    const there = new Set(machinesThere(site, server, facts).map(({ name }) => name));
    const own = site.machines.filter((each) => each.server === server.name && there.has(each.name));
    const found = own.map(async (machine) => {
      const { file, domain } = await domainOf(site, machine, facts);
      return differences(knownOf(federation, machine, file.content, domain, facts));
    });
    return (await Promise.all(found)).flat();
  }

  async function siteDifferences(site: SitePlan): Promise<readonly Difference[]> {
    const found = serversOf(site).map(async (server) =>
      serverDifferences(site, server, await factsOf(server)),
    );
    return (await Promise.all(found)).flat();
  }

  async function look(site: SitePlan, server: Server): Promise<ServerLook> {
    const facts = await factsOf(server);
    const planned = site.machines.filter((machine) => machine.server === server.name);
    const names = new Set(planned.map(({ name }) => name));
    const there = machinesThere(site, server, facts);
    const absent = planned.filter(({ name }) => !there.some((each) => each.name === name));
    return lookAt(
      server.name,
      facts,
      [
        ...there.map((machine) => ({ ...machine, planned: names.has(machine.name) })),
        ...absent.map(({ name }) => ({ name, state: "absent" as const })),
      ],
      await serverDifferences(site, server, facts),
    );
  }

  return {
    lacks: async (site) => {
      const lacks = await Promise.all(
        serversOf(site).map(async (server) => {
          const facts = await factsOf(server);
          return serverLacks(server.name, facts, await needsOf(site, server, facts));
        }),
      );
      return lacks.flat();
    },
    prepare: async (site) => {
      await Promise.all(
        serversOf(site).map((server) =>
          server.limit(async () => {
            const facts = await factsOf(server);
            await prepareServer(shell, server, facts, await needsOf(site, server, facts));
          }),
        ),
      );
    },
    observe: async (site) =>
      (
        await Promise.all(
          serversOf(site).map(async (server) => machinesThere(site, server, await factsOf(server))),
        )
      ).flat(),
    start: (site, machine, seed) =>
      serverOf(site, machine.server).limit(async () => startDomain(await startOptions(site, machine, seed))),
    drift: async (site) => {
      const found = await siteDifferences(site);
      refuseShrinking(site, found);
      return byMachine(found);
    },
    mend: (site, machine) =>
      serverOf(site, machine.server).limit(async () => mendDomain(await startOptions(site, machine, []))),
    kill: (site, name) =>
      there(site, name, (server, facts, uuid) => destroyDomain(shell, server, facts, name, uuid)),
    remove,
    differences: siteDifferences,
    look: (site) =>
      Promise.all(
        serversOf(site).map((server) =>
          look(site, server).catch((error: unknown) => unseen(server.name, error)),
        ),
      ),
  };
}

function byMachine(differences: readonly Difference[]): readonly SettingsDrift[] {
  return [...Map.groupBy(differences, ({ machine }) => machine)].map(([machine, own]) => ({
    machine,
    what: own.map(({ what }) => what),
    restart: own.some(({ restart }) => restart),
  }));
}

/** The folder of the image that a machine was made of, by its file. */
function imageFolder(file: string | undefined): string | undefined {
  return folderOf(/^kernel\s*=\s*"([^"]+)"/m.exec(file ?? "")?.[1]);
}

function folderOf(kernel: string | undefined): string | undefined {
  return /^(.+)\/vmlinuz$/.exec(kernel ?? "")?.[1];
}

function observed(facts: ServerFacts, name: string, uuid: string): ObservedMachine {
  const domain = facts.domains.find((each) => each.uuid === uuid);
  if (domain?.state === "running") return { name, uuid, state: "running" };
  const crashed =
    domain === undefined ? facts.ends.get(name)?.last === "crashed" : domain.state === "crashed";
  return { name, uuid, state: crashed ? "crashed" : "stopped" };
}

/** The uuid that the machine's file gives its domain, else the planned one; empty where neither says. */
function uuidOf(site: SitePlan, facts: ServerFacts, name: string): string {
  const said = /^uuid\s*=\s*"([0-9a-f-]{36})"/m.exec(facts.files.get(name) ?? "")?.[1];
  return said ?? site.machines.find((machine) => machine.name === name)?.uuid ?? "";
}
