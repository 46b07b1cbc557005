import { formatMiB } from "#base/units.ts";
import type { MachinePlan, Plan, SitePlan } from "./plan.ts";

/** One value that two plans give differently, as text; empty where a plan has none. */
export interface Change {
  /** Such as `memory` or `vip`. */
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

export interface Difference {
  readonly kind: "added" | "removed" | "changed";
  readonly subject: "federation" | "site" | "machine";
  readonly name: string;
  /** The site a machine belongs to. */
  readonly site?: string;
  /** Empty unless `kind` is `changed`. */
  readonly changes: readonly Change[];
}

type Facts = Readonly<Record<string, string>>;

interface Subject extends Pick<Difference, "subject" | "name" | "site"> {
  readonly facts: Facts;
}

/**
 * What the next plan adds, removes and changes: the federation, then sites and
 * machines in the order of the next plan, then what was removed. Reasons and
 * what servers have left are not compared: they follow from the rest.
 */
export function diffPlans(previous: Plan, next: Plan): readonly Difference[] {
  const before = new Map(subjectsOf(previous).map((subject) => [keyOf(subject), subject]));
  const after = new Map(subjectsOf(next).map((subject) => [keyOf(subject), subject]));
  const present = [...after].flatMap(([key, subject]): Difference[] => {
    const old = before.get(key);
    if (!old) return [difference("added", subject, [])];
    const changes = changesBetween(old.facts, subject.facts);
    return changes.length > 0 ? [difference("changed", subject, changes)] : [];
  });
  const gone = [...before].filter(([key]) => !after.has(key));
  return [...present, ...gone.map(([, subject]) => difference("removed", subject, []))];
}

function difference(kind: Difference["kind"], from: Subject, changes: readonly Change[]): Difference {
  const { subject, name, site } = from;
  return { kind, subject, name, ...(site !== undefined && { site }), changes };
}

function keyOf({ subject, name }: Subject): string {
  return `${subject} ${name}`;
}

function changesBetween(before: Facts, after: Facts): readonly Change[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .map((what) => ({ what, before: before[what] ?? "", after: after[what] ?? "" }))
    .filter((change) => change.before !== change.after);
}

function subjectsOf(plan: Plan): readonly Subject[] {
  const { domain, crown, kubernetes } = plan;
  return [
    { subject: "federation", name: plan.federation, facts: { domain, crown, kubernetes } },
    ...plan.sites.flatMap((site): Subject[] => [
      { subject: "site", name: site.name, facts: siteFacts(site) },
      ...site.machines.map(
        (machine): Subject => ({
          subject: "machine",
          name: machine.name,
          site: site.name,
          facts: machineFacts(machine),
        }),
      ),
    ]),
  ];
}

function siteFacts({ kind, number, network, endpoint, vrrp }: SitePlan): Facts {
  return {
    kind,
    number: `${number}`,
    lan: network.lan,
    gateway: network.gateway,
    external: network.external.join(", "),
    resolvers: network.resolvers.join(", "),
    vip: network.vip,
    "names VIP": network.namesVip,
    ingress: `${network.ingress.first}-${network.ingress.last}`,
    operator: network.operator,
    pods: network.pods,
    services: network.services,
    "cluster DNS": network.clusterDns,
    endpoint: `${endpoint.name}:${endpoint.port}`,
    "VRRP ids": `${vrrp.id}, ${vrrp.namesId}`,
  };
}

function machineFacts(machine: MachinePlan): Facts {
  return {
    server: machine.server,
    cpus: `${machine.cpus}`,
    memory: formatMiB(machine.memoryMiB) + (machine.memoryMiB >= 1024 ? ` (${machine.memoryMiB} MiB)` : ""),
    disks: machine.disks.map(({ name, from, sizeGiB }) => `${name} ${sizeGiB} GiB of ${from}`).join(", "),
    address: machine.address,
    MAC: machine.mac,
    uuid: machine.uuid,
    "pod network": machine.podNetwork ?? "",
    priority: `${machine.priority ?? ""}`,
    virtualization: machine.virtualization ?? "pv",
    devices: machine.passthrough.map(({ name, pci }) => `${name} (${pci})`).join(", "),
  };
}
