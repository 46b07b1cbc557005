/** `panopticon lab status`: every machine and what its role says, from the running system alone. */
import type { FederationSummary, MachineStatus, SiteStatus } from "#app/lab-status.ts";
import { command, labFile, type OutputOption } from "./command.ts";
import { colour, show, table } from "./print.ts";

export function labStatusCommand() {
  return command("status", "say how every machine, VIP, API and etcd of a lab is now", [
    "lab status",
    "lab status examples/two-sites.yaml -o json",
  ])
    .argument("[file]", "federation file (examples/two-sites.yaml where none is named)")
    .action(status);
}

async function status(file: string | undefined, { output }: OutputOption): Promise<void> {
  const [{ readFederation }, { labPlan }, { labStatus }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/lab.ts"),
    import("#app/lab-status.ts"),
  ]);
  const { federation } = await readFederation(labFile(file));
  const { sites, federation: members } = await labStatus(await labPlan(federation.name));
  const well = members.well && sites.every((site) => site.well);
  show(output, { federation: federation.name, well, sites, members }, () => [
    ...sites.flatMap((site) => [...siteLines(site), ""]),
    ...memberLines(members),
    "",
    well ? "All is well." : "Not all is well; `panopticon lab up` mends what it can.",
  ]);
  if (!well) process.exitCode = 1;
}

function memberLines({ crown, epoch, sites, well }: FederationSummary): readonly string[] {
  const rows = sites.map((site) => [
    site.name,
    site.crown === undefined ? "-" : `${site.crown} (epoch ${site.epoch})`,
    `${site.agents.ready} of ${site.agents.planned} ready`,
    word(site.heard, "heard", "not heard"),
  ]);
  return [
    `${colour("bold", "federation")}  ${word(well, "well", "unwell")}`,
    `  crown    ${crown === undefined ? "nobody has it" : `at ${crown} (epoch ${epoch})`}`,
    ...table(["site", "crown, as it says", "agents", "by the hub"], rows).map((line) => `  ${line}`),
  ];
}

function siteLines(site: SiteStatus): readonly string[] {
  const etcd = site.etcd ? `${site.etcd.voting} of ${site.etcd.planned} members vote` : "cannot be asked";
  return [
    `${colour("bold", site.name)}  ${word(site.well, "well", "unwell")}`,
    `  API      ${site.api} at https://${site.vip}:6443`,
    `  VIP      ${site.holders.length === 0 ? "held by nobody" : `held by ${site.holders.join(" and ")}`}`,
    `  etcd     ${etcd}`,
    `  network  ${site.network}`,
    `  metrics  ${metrics(site)}`,
    ...table(["machine", "role", "server", "address", "state", "health"], site.machines.map(row)).map(
      (line) => `  ${line}`,
    ),
  ];
}

function metrics({ measured, machines }: SiteStatus): string {
  if (measured === undefined) return "metrics-server does not answer";
  const nodes = machines.filter(({ role }) => role !== "ecam").length;
  return `metrics-server has figures of ${measured} of ${nodes} nodes`;
}

function row(machine: MachineStatus): readonly string[] {
  const { name, role, server, address, state, health } = machine;
  return [
    name,
    role,
    server,
    address,
    word(state === "running", "running", "off"),
    word(machine.well, health, health || "-"),
  ];
}

function word(good: boolean, yes: string, no: string): string {
  return good ? colour("green", yes) : colour("red", no);
}
