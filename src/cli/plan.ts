/** `panopticon plan FILE`: every machine, address and size, and the reason for each. */
import { formatMiB } from "#base/units.ts";
import type { Difference } from "#plan/difference.ts";
import type { Explanation } from "#plan/explain.ts";
import type { PlanRow } from "#plan/picture.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
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
  if (explain === undefined) {
    const [{ planTable }, { diffPlans }] = await Promise.all([
      import("#plan/picture.ts"),
      import("#plan/difference.ts"),
    ]);
    const changes = before ? differenceLines(diffPlans(before, made)) : [];
    show(output, made, () => [...planLines(made, planTable(made)), ...changes]);
  } else {
    const { explainMachine } = await import("#plan/explain.ts");
    show(output, explainMachine(made, explain), explanationLines);
  }
}

function planLines(made: Plan, rows: readonly PlanRow[]): readonly string[] {
  const machines = rows.filter((row) => row.machine !== "").length;
  return [
    `${colour("bold", made.federation)}: ${count(made.sites.length, "site")}, ${count(machines, "machine")}, Kubernetes ${made.kubernetes}, crown at ${made.crown}`,
    ...made.sites.flatMap((site) => [
      "",
      ...siteLines(
        site,
        rows.filter((row) => row.site === site.name && row.machine !== ""),
      ),
    ]),
  ];
}

function siteLines(site: SitePlan, rows: readonly PlanRow[]): readonly string[] {
  const { network, vrrp } = site;
  const title = `${colour("bold", site.name)} (${site.kind}, ${site.domain})`;
  if (rows.length === 0) return [title];
  return [
    title,
    `  API https://${network.vip}:${site.endpoint.port} (${site.endpoint.name}), VRRP ${vrrp.id}`,
    `  LAN ${network.lan}, gateway ${network.gateway}, outside ${network.external.join(", ")}`,
    `  pods ${network.pods}, services ${network.services}, ingress ${network.ingress.first} to ${network.ingress.last}`,
    ...table(["server", "machine", "role", "cpus", "memory", "address", "disks"], rows.map(cells)).map(
      (line) => `  ${line}`,
    ),
  ];
}

function cells(row: PlanRow): readonly string[] {
  return [row.server, row.machine, row.role, row.cpus, row.memory, row.address, row.disks];
}

function differenceLines(differences: readonly Difference[]): readonly string[] {
  if (differences.length === 0) return ["", "Nothing differs from the previous plan."];
  return ["", "Against the previous plan:", ...differences.flatMap(differenceLine)];
}

function differenceLine({ kind, subject, name, changes }: Difference): readonly string[] {
  return [
    `  ${kind} ${subject} ${name}`,
    ...changes.map(({ what, before, after }) => `    ${what}: ${before || "none"} → ${after || "none"}`),
  ];
}

function explanationLines({ site, machine, server, beside }: Explanation): readonly string[] {
  const disks = machine.disks.map((disk) => `${disk.name} ${disk.sizeGiB} GiB on ${disk.from}`).join(", ");
  return [
    `${colour("bold", machine.name)}: ${machine.role} on ${server.name} of ${site}`,
    `  ${count(machine.cpus, "cpu")}, ${formatMiB(machine.memoryMiB)}, ${disks || "no disk"}`,
    `  ${machine.address}, MAC ${machine.mac}, uuid ${machine.uuid}`,
    ...machine.passthrough.map((device) => `  passes through ${device.name} (${device.pci})`),
    `  beside it: ${beside.join(", ") || "nothing"}; left over: ${count(server.freeCpus, "cpu")}, ${formatMiB(server.freeMemoryMiB)}`,
    ...machine.reasons.map((reason) => `  - ${reason}`),
  ];
}
