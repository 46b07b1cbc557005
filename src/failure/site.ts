/** One on-prem site's part of the fault graph. */
import type { Disk, Role, Server, Site } from "#model/federation.ts";
import { type MachinePlan, machinesOf, type SitePlan } from "#plan/plan.ts";
import type { GraphBuilder } from "./builder.ts";
import type { ComponentKind } from "./graph.ts";

/** More copies than this are not made unless the file says so; as many as Longhorn makes. */
const MOST_REPLICAS = 3;

/** What the federation needs of a site: numbers of nodes. */
export interface SiteNodes {
  /** Its services can't be reached from outside. */
  readonly outside: number;
  /** Its name servers can't be reached from outside. */
  readonly names: number;
  /** It can't hold the hub: its API does not answer, or not to the other sites. */
  readonly hub: number;
}

/** Nodes of one server: gone for good, or out of reach for the moment. */
interface ServerNodes {
  readonly lost: number;
  readonly away: number;
  /** By name. */
  readonly disks: ReadonlyMap<string, number>;
}

/** Adds a site and its promises. With `alone` no other site needs to reach its API. */
export function addSite(builder: GraphBuilder, site: Site, plan: SitePlan, alone: boolean): SiteNodes {
  const { name } = site;
  declareComponents(builder, site, plan);
  const place = builder.component("site", name, name);
  const servers = new Map(
    site.servers.map((server) => [server.name, addServer(builder, name, server, place)]),
  );
  const down = new Map(
    plan.machines.map((machine) => [machine.name, addMachine(builder, plan, machine, servers)]),
  );
  const apiAway = addControlPlane(builder, plan, down);
  const way = addWayOut(builder, site, place);
  const workers = machinesOf(plan, "worker").map((machine) => must(down.get(machine.name)));
  const outside = builder.any(`services of ${name} can't be reached from outside`, [
    way,
    builder.all(workers.length > 0 ? `every worker of ${name} is down` : `${name} has no worker`, workers),
  ]);
  builder.promise("outside", name, outside, `services of ${name} are reachable from outside`);
  addData(builder, site, plan, servers);
  const hub = alone ? apiAway : builder.any(`${name} can't lead the others`, [apiAway, way]);
  return { outside, names: addNames(builder, plan, down, way), hub };
}

/**
 * Numbers the components in the order in which the decision diagrams ask them:
 * what the whole site shares, then server by server. Asked the other way round,
 * servers before machines, diagrams would have to remember every set of servers.
 */
function declareComponents(builder: GraphBuilder, site: Site, plan: SitePlan): void {
  const { name, network } = site;
  const add = (kind: ComponentKind, id: string): void => {
    builder.component(kind, id, name);
  };
  add("site", name);
  for (const { power, switches } of [network.router, ...site.servers]) {
    for (const feed of power) add("feed", `${name}/${feed}`);
    for (const one of switches) add("switch", `${name}/${one}`);
  }
  for (const { role } of plan.machines) if (isDoubled(plan, role)) add("common-cause", `${name}/${role}`);
  for (const server of site.servers) {
    const at = `${name}/${server.name}`;
    add("server", at);
    for (const { controller } of server.disks)
      if (controller !== undefined) add("controller", `${at}/${controller}`);
    for (const disk of server.disks) add("disk", `${at}/${disk.name}`);
    for (const device of server.passthrough) add("device", `${at}/${device.name}`);
    for (const machine of plan.machines.filter((one) => one.server === server.name)) {
      add("machine", machine.name);
      for (const kind of PROGRAMS[machine.role]) add(kind, machine.name);
    }
  }
  add("router", name);
  for (const address of network.external) {
    add("line", lineOf(site, address));
    add("address", address);
  }
}

/** Whether there is more than one machine of a role, so that they can have a cause in common. */
function isDoubled(plan: SitePlan, role: Role): boolean {
  return machinesOf(plan, role).length > 1;
}

/** What runs on a machine of each role and can fail by itself. */
const PROGRAMS: Readonly<Record<Role, readonly ComponentKind[]>> = {
  ecam: ["haproxy", "keepalived", "nameserver"],
  // A node's containers and pods go on without containerd: nothing hangs on it.
  controlplane: ["etcd", "apiserver", "containerd"],
  worker: ["containerd"],
};

/** The name of the internet line that brings an external address. */
function lineOf({ name, network }: Site, address: string): string {
  const line = network.lines.find(({ external }) => external.includes(address));
  return line ? `${name}/${line.name}` : name;
}

function addServer(builder: GraphBuilder, site: string, server: Server, place: number): ServerNodes {
  const name = `${site}/${server.name}`;
  const lost = builder.any(`server ${name} is lost`, [builder.component("server", name, site), place]);
  const reasons = [lost, ...connectionFaults(builder, site, `server ${name}`, server)];
  const away = reasons.length > 1 ? builder.any(`server ${name} is out of reach`, reasons) : lost;
  const disks = new Map(server.disks.map((disk) => [disk.name, addDisk(builder, site, name, disk, lost)]));
  return { lost, away, disks };
}

/** No power, or no network; none where the file names neither. */
function connectionFaults(
  builder: GraphBuilder,
  site: string,
  what: string,
  { power, switches }: { readonly power: readonly string[]; readonly switches: readonly string[] },
): readonly number[] {
  const feeds = power.map((feed) => builder.component("feed", `${site}/${feed}`, site));
  const ports = switches.map((one) => builder.component("switch", `${site}/${one}`, site));
  return [
    ...(feeds.length > 0 ? [builder.all(`${what} has no power`, feeds)] : []),
    ...(ports.length > 0 ? [builder.all(`${what} is cut off from the LAN`, ports)] : []),
  ];
}

function addDisk(builder: GraphBuilder, site: string, server: string, disk: Disk, lost: number): number {
  const own = builder.component("disk", `${server}/${disk.name}`, site);
  if (disk.controller === undefined) return own;
  const controller = builder.component("controller", `${server}/${disk.controller}`, site);
  return builder.any(`disk ${server}/${disk.name} can't be read`, [own, controller, lost]);
}

function addMachine(
  builder: GraphBuilder,
  site: SitePlan,
  machine: MachinePlan,
  servers: ReadonlyMap<string, ServerNodes>,
): number {
  const server = must(servers.get(machine.server));
  const root = machine.disks.find((disk) => disk.name === "root");
  const disk = root && server.disks.get(root.from);
  const devices = machine.passthrough.map((device) =>
    builder.component("device", `${site.name}/${machine.server}/${device.name}`, site.name),
  );
  return builder.any(`${machine.name} is down`, [
    ...(isDoubled(site, machine.role)
      ? [builder.component("common-cause", `${site.name}/${machine.role}`, site.name)]
      : []),
    server.away,
    ...(disk === undefined ? [] : [disk]),
    ...devices,
    builder.component("machine", machine.name, site.name),
  ]);
}

/** etcd and the API behind its VIP; gives the node that says the API does not answer. */
function addControlPlane(builder: GraphBuilder, plan: SitePlan, down: ReadonlyMap<string, number>): number {
  const { name } = plan;
  const controlPlanes = machinesOf(plan, "controlplane");
  const members = controlPlanes.map((machine) =>
    builder.any(`the etcd member of ${machine.name} is gone`, [
      must(down.get(machine.name)),
      builder.component("etcd", machine.name, name),
    ]),
  );
  // kubeadm's stacked API server asks the etcd member beside it and no other.
  const servers = controlPlanes.map((machine, index) =>
    builder.any(`the API server of ${machine.name} is gone`, [
      must(members[index]),
      builder.component("apiserver", machine.name, name),
    ]),
  );
  const majority = Math.floor(members.length / 2) + 1;
  const tolerated = members.length - majority;
  const noQuorum = builder.atLeast(
    tolerated + 1,
    `${tolerated + 1} of ${members.length} etcd votes of ${name} are gone, so the rest is no majority`,
    members,
  );
  builder.promise("etcd", name, noQuorum, `etcd of ${name} accepts writes`);
  const fronts = machinesOf(plan, "ecam").map((machine) =>
    builder.any(`${machine.name} can't hold the VIP`, [
      must(down.get(machine.name)),
      builder.component("haproxy", machine.name, name),
      builder.component("keepalived", machine.name, name),
    ]),
  );
  const away = builder.any(`the API of ${name} does not answer`, [
    builder.all(`no ECAM of ${name} can hold the VIP`, fronts),
    builder.all(`no API server of ${name} is left`, servers),
    noQuorum,
  ]);
  builder.promise("api", name, away, `the API of ${name} answers`);
  return away;
}

/** The way between the site and the internet. */
function addWayOut(builder: GraphBuilder, site: Site, place: number): number {
  const { name, network } = site;
  // Gates of their own, so that an address is its line's consequence, and neither is the router's.
  const lines = new Map(
    [...new Set(network.external.map((address) => lineOf(site, address)))].map((line) => {
      const down = builder.any(`internet line ${line} is down`, [builder.component("line", line, name)]);
      return [line, down];
    }),
  );
  const router = builder.any(`the router of ${name} is down`, [builder.component("router", name, name)]);
  const addresses = network.external.map((address) =>
    builder.any(`${address} leads nowhere`, [
      builder.component("address", address, name),
      must(lines.get(lineOf(site, address))),
    ]),
  );
  return builder.any(`${name} is cut off from outside`, [
    place,
    router,
    ...connectionFaults(builder, name, `the router of ${name}`, network.router),
    builder.all(`no external address of ${name} leads to it`, addresses),
  ]);
}

function addNames(
  builder: GraphBuilder,
  plan: SitePlan,
  down: ReadonlyMap<string, number>,
  way: number,
): number {
  const { name } = plan;
  const servers = machinesOf(plan, "ecam").map((machine) =>
    builder.any(`the name server of ${machine.name} is gone`, [
      must(down.get(machine.name)),
      builder.component("keepalived", machine.name, name),
      builder.component("nameserver", machine.name, name),
    ]),
  );
  return builder.any(`no name server of ${name} can be asked`, [
    way,
    builder.all(`every name server of ${name} is gone`, servers),
  ]);
}

/**
 * Every volume has a replica on each of `replicas` servers, and with many volumes
 * any such choice of servers holds all replicas of one of them. A replica is lost
 * with its disk or, on the careful side, with its server; an outage loses none.
 */
function addData(
  builder: GraphBuilder,
  site: Site,
  plan: SitePlan,
  servers: ReadonlyMap<string, ServerNodes>,
): void {
  const holders = storageServers(plan);
  if (holders.length === 0) return;
  const copies = holders.map((server) => {
    const { lost, disks } = must(servers.get(server));
    return builder.any(`the copies on ${site.name}/${server} are lost`, [
      lost,
      ...dataDisks(plan, server).map((disk) => must(disks.get(disk))),
    ]);
  });
  const kept = Math.min(site.replicas ?? MOST_REPLICAS, holders.length);
  const lost = builder.atLeast(
    kept,
    kept === 1 ? "the only copy of a volume is lost" : `all ${kept} copies of a volume are lost`,
    copies,
  );
  builder.promise("data", site.name, lost, `the data of ${site.name} survives`);
}

/** Servers of a site that keep volumes: those with workers. */
export function storageServers(plan: SitePlan): readonly string[] {
  const holders = new Set(machinesOf(plan, "worker").map(({ server }) => server));
  return plan.servers.map(({ name }) => name).filter((name) => holders.has(name));
}

/** The disks of a server that its workers keep volumes on. */
function dataDisks(plan: SitePlan, server: string): readonly string[] {
  const own = machinesOf(plan, "worker").filter((machine) => machine.server === server);
  const disks = own.flatMap((machine) => {
    const data = machine.disks.filter((disk) => disk.name !== "root");
    return (data.length > 0 ? data : machine.disks).map((disk) => disk.from);
  });
  return [...new Set(disks)];
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("the plan and the file do not belong together");
  return value;
}
