/** `panopticon plan FILE`: every machine, address and size, and the reason for each. */
import { wrongUse } from "#base/errors.ts";
import { formatMiB } from "#base/units.ts";
import { nearest } from "#model/nearest.ts";
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";
import { type AddCommand, command, type OutputOption } from "./command.ts";

import { colour, count, show, table } from "./print.ts";

interface PlanOptions extends OutputOption {
  readonly explain?: string;
  readonly previous?: string;
}

/** Adds `plan`. */
export const addPlan: AddCommand = (program) => {
  program.addCommand(
    command("plan", "say every machine, its place, size and addresses", [
      "plan examples/two-sites.yaml",
      "plan examples/two-sites.yaml --explain attic-cp-1",
      "plan examples/two-sites.yaml -o json > plan.json",
    ])
      .argument("<file>", "federation file")
      .option("--explain <machine>", "why this machine is where it is and as large as it is")
      .option(
        "--previous <plan>",
        "plan whose numbers are kept (the one the federation runs with, where there is one)",
      )
      .action(plan),
  );
};

async function plan(file: string, { output, explain, previous }: PlanOptions): Promise<void> {
  const [{ previousPlan, readFederation, readPlan }, { makePlan }] = await Promise.all([
    import("#app/files.ts"),
    import("#plan/make.ts"),
  ]);
  const read = await readFederation(file);
  const before = previous ? await readPlan(previous) : await previousPlan(read.federation.name);
  const made = await makePlan(read, before);
  if (explain === undefined) show(output, made, planLines);
  else show(output, findMachine(made, explain), machineLines);
}

function findMachine(made: Plan, name: string): MachinePlan {
  const machines = made.sites.flatMap((site) => site.machines);
  const found = machines.find((machine) => machine.name === name);
  if (found) return found;
  const close = nearest(
    name,
    machines.map((machine) => machine.name),
  );
  throw wrongUse(
    "CLI_MACHINE_UNKNOWN",
    `the plan has no machine ${name}`,
    close ? `did you mean ${close}?` : `it has ${machines.map((machine) => machine.name).join(", ")}`,
  );
}

function planLines(made: Plan): readonly string[] {
  const machines = made.sites.flatMap((site) => site.machines).length;
  return [
    `${colour("bold", made.federation)}: ${count(made.sites.length, "site")}, ${count(machines, "machine")}, Kubernetes ${made.kubernetes}, crown at ${made.crown}`,
    ...made.sites.flatMap((site) => ["", ...siteLines(site)]),
  ];
}

function siteLines(site: SitePlan): readonly string[] {
  const { network, vrrp } = site;
  return [
    `${colour("bold", site.name)} (${site.kind}, ${site.domain})`,
    `  API https://${network.vip}:${site.endpoint.port} (${site.endpoint.name}), VRRP ${vrrp.id}`,
    `  LAN ${network.lan}, gateway ${network.gateway}, outside ${network.external.join(", ")}`,
    `  pods ${network.pods}, services ${network.services}, ingress ${network.ingress.first} to ${network.ingress.last}`,
    ...table(
      ["machine", "role", "server", "cpus", "memory", "disks", "address"],
      site.machines.map(machineRow),
    ).map((line) => `  ${line}`),
  ];
}

function machineRow(machine: MachinePlan): readonly string[] {
  return [
    machine.name,
    machine.role,
    machine.server,
    String(machine.cpus),
    formatMiB(machine.memoryMiB),
    machine.disks.map((disk) => `${disk.sizeGiB} GiB`).join(" + ") || "-",
    machine.address,
  ];
}

function machineLines(machine: MachinePlan): readonly string[] {
  const [name = "", role = "", server = "", cpus = "", memory = "", disks = "", address = ""] =
    machineRow(machine);
  return [
    `${colour("bold", name)}: ${role} on ${server}, ${cpus} cpus, ${memory}, disks ${disks}`,
    `  ${address}, MAC ${machine.mac}, uuid ${machine.uuid}`,
    ...machine.passthrough.map((device) => `  passes through ${device.name} (${device.pci})`),
    ...machine.reasons.map((reason) => `  - ${reason}`),
  ];
}
