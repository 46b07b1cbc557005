/** `panopticon prove FILE`: what a plan survives, before anything is bought or built. */
import { wrongUse } from "#base/errors.ts";
import type { Proved } from "#app/prove.ts";
import type { Finding, GoalProof, PromiseProof, Proof } from "#failure/proof.ts";
import { type AddCommand, command, type OutputOption } from "./command.ts";
import { colour, count, say, show, table } from "./print.ts";

interface ProveOptions extends OutputOption {
  readonly order: string;
  readonly without: readonly string[];
  readonly whatIf: readonly string[];
  readonly cuts?: string;
  readonly html?: string;
}

/** Adds `prove`. */
export const addProve: AddCommand = (program) => {
  const several = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  program.addCommand(
    command("prove", "say what a plan survives, what breaks it, and what would mend that", [
      "prove examples/two-sites.yaml",
      "prove examples/home.yaml --what-if '+witness flat/shelf'",
      "prove examples/two-sites.yaml --without server:attic/left",
      "prove examples/two-sites.yaml --cuts api:attic",
      "prove examples/three-sites.yaml --html proof.html",
    ])
      .argument("<file>", "federation file")
      .option("--order <n>", "look for cut sets of up to so many components, 1 to 3", "3")
      .option("--without <component>", "as if this one had failed (may be given again)", several, [])
      .option(
        "--what-if <change>",
        "with a change that is only thought: +server SITE/NAME, +witness SITE/NAME, +site NAME, +line SITE/NAME, +backup NAME[@SITE], -server SITE/NAME, -site NAME (may be given again)",
        several,
        [],
      )
      .option("--cuts <promise>", "list what breaks one promise, such as api:attic")
      .option("--html <file>", "also write a page with a map, to look at in a browser")
      .action(prove),
  );
};

async function prove(file: string, options: ProveOptions): Promise<void> {
  const [{ readFederation }, { proveFile }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/prove.ts"),
  ]);
  const order = Number(options.order);
  const proved = await proveFile(await readFederation(file), options.whatIf, {
    order,
    without: options.without,
  });
  const { proof, before } = proved;
  if (options.html !== undefined) await writePage(options.html, proved);
  if (options.cuts === undefined) {
    const result = before ? { ...proof, before } : proof;
    show(options.output, result, () => proofLines(proof, before, options.whatIf));
  } else show(options.output, promiseOf(proof, options.cuts), cutLines);
  if (proof.goals.some(({ holds }) => !holds)) process.exitCode = 1;
}

async function writePage(path: string, { federation, plan, proof }: Proved): Promise<void> {
  const [{ proofPage }, { writeText }] = await Promise.all([
    import("#render/reports/proof.ts"),
    import("#app/files.ts"),
  ]);
  await writeText(path, proofPage(federation, plan, proof));
  say(`wrote ${path}`);
}

function proofLines(proof: Proof, before: Proof | undefined, edits: readonly string[]): readonly string[] {
  const critical = proof.findings.filter(({ severity }) => severity === "critical").length;
  return [
    `${colour("bold", proof.federation)}: ${count(proof.components.length, "component")}, ${count(proof.promises.length, "promise")}, ${count(proof.findings.length, "finding")}${critical > 0 ? `, ${critical} critical` : ""}`,
    ...(edits.length > 0 ? [`with ${edits.join(", ")}, which is only thought`] : []),
    ...(proof.without.length > 0 ? [`as if ${proof.without.join(", ")} had failed`] : []),
    "",
    ...promiseTable(proof),
    "",
    ...meanings(proof),
    ...(before ? differenceLines(before, proof) : []),
    ...findingLines(proof.findings),
    ...goalLines(proof.goals),
  ];
}

/** What the table's words mean, as far as they are in it. */
function meanings({ promises }: Proof): readonly string[] {
  const kinds = new Set(promises.map(({ kind }) => kind));
  const words = Object.entries(MEANINGS).filter(([kind]) => kinds.has(kind as PromiseProof["kind"]));
  return [
    ...words.map(([kind, meaning]) => `  ${kind.padEnd(9)}  ${meaning}`),
    `  ${"holds".padEnd(9)}  share of the time, common causes included`,
    `  ${"alone …".padEnd(9)}  how many components alone, pairs and triples break it; --cuts PROMISE lists them`,
  ];
}

const MEANINGS: Readonly<Record<PromiseProof["kind"], string>> = {
  api: "the API of the site answers",
  etcd: "etcd of the site accepts writes",
  outside: "services of the site are reachable from outside",
  data: "the data of the site survives",
  somewhere: "the service is reachable somewhere",
  changes: "changes to the federation are possible with the crown where it is",
  crown: "some site can hold the crown",
  backup: "a backup can be restored",
};

function promiseTable({ promises, order }: Proof): readonly string[] {
  const headings = [
    "promise",
    "holds",
    "breaks",
    ...["alone", "pairs", "triples"].slice(0, order),
    "mostly by",
  ];
  return table(
    headings,
    promises.map((promised) => {
      if (!promised.holds) return [promised.id, colour("red", "broken"), "", ...blanks(order), ""];
      const [worst] = promised.cuts.toSorted((one, other) => other.share - one.share);
      return [
        promised.id,
        percent(promised.availability),
        often(promised.outagesPerYear),
        ...promised.cutCounts.map(String),
        worst ? `${worst.components.join(" + ")} (${percent(worst.share, 2)})` : "",
      ];
    }),
  );
}

function blanks(number: number): readonly string[] {
  return Array.from({ length: number }, () => "");
}

/** As many nines as there are, and two digits after them. */
function percent(share: number, digits?: number): string {
  if (share >= 1 - 1e-12) return "100 %";
  const nines = Math.max(0, Math.floor(-Math.log10(1 - share)));
  return `${(share * 100).toFixed(Math.max(0, digits === undefined ? nines : digits - 2))} %`;
}

function often(perYear: number): string {
  if (perYear >= 1) return `${perYear.toFixed(1)} a year`;
  const years = 1 / perYear;
  if (years > 1_000_000) return "never";
  return `once in ${years < 10 ? years.toFixed(1) : Math.round(years)} years`;
}

/** Findings of one kind are told once, with the others they are about. */
function findingLines(findings: readonly Finding[]): readonly string[] {
  if (findings.length === 0) return ["", "Nothing was found wanting."];
  const groups = Map.groupBy(findings, ({ code, severity }) => `${severity} ${code}`);
  return ["", colour("bold", "Findings"), ...[...groups.values()].flatMap(groupLines)];
}

const COLOURS = { critical: "red", warning: "yellow", note: "dim" } as const;

function groupLines(group: readonly Finding[]): readonly string[] {
  const [first, ...others] = group;
  if (!first) return [];
  const { severity, code, message, why, remedy, hides } = first;
  const tries = remedy.whatIf.map((edit) => ` --what-if '${edit}'`).join("");
  return [
    `  ${colour(COLOURS[severity], severity)} ${code}`,
    `    ${message}`,
    ...(why.length > 1 ? [`    why:    ${why.join(" → ")}`] : []),
    `    remedy: ${remedy.text}; price: ${remedy.price}${tries ? `; try${tries}` : ""}`,
    ...(hides.length > 0 ? [`    hides:  ${some(hides)}`] : []),
    ...(others.length > 0 ? [`    also:   ${some(others.map(({ subject }) => subject))}`] : []),
  ];
}

function some(names: readonly string[]): string {
  return names.length <= 8
    ? names.join(", ")
    : `${names.slice(0, 8).join(", ")} and ${names.length - 8} more`;
}

function goalLines(goals: readonly GoalProof[]): readonly string[] {
  if (goals.length === 0) return [];
  return [
    "",
    colour("bold", "Goals"),
    ...goals.flatMap(({ goal, holds, broken, availability }) => [
      `  ${holds ? colour("green", "holds ") : colour("red", "BROKEN")}  ${goal}${availability ? ` (it is ${percent(availability.is)})` : ""}`,
      ...broken
        .slice(0, 5)
        .flatMap(({ cut, breaks, why }) => [
          `            ${cut.join(" + ")} breaks ${breaks.join(", ")}`,
          `              why: ${why.join(" → ")}`,
        ]),
      ...(broken.length > 5 ? [`            and ${broken.length - 5} more`] : []),
    ]),
  ];
}

/** What the thought changes bring: findings that go, findings that come, and how much longer promises hold. */
function differenceLines(before: Proof, after: Proof): readonly string[] {
  const key = ({ code, subject }: Finding): string => `${code} ${subject}`;
  const keys = (proof: Proof): readonly string[] => proof.findings.map(key);
  const gone = keys(before).filter((one) => !keys(after).includes(one));
  const come = keys(after).filter((one) => !keys(before).includes(one));
  const changed = after.promises.flatMap((promised) => {
    const was = before.promises.find(({ id }) => id === promised.id);
    if (!was || Math.abs(was.availability - promised.availability) < 1e-9) return [];
    return [`    ${promised.id}: ${percent(was.availability)} → ${percent(promised.availability)}`];
  });
  return [
    "",
    colour("bold", "Against the file as it is"),
    `  findings that go: ${gone.join(", ") || "none"}`,
    `  findings that come: ${come.join(", ") || "none"}`,
    ...(changed.length > 0 ? ["  promises that hold more or less of the time:", ...changed] : []),
  ];
}

function promiseOf(proof: Proof, id: string): PromiseProof {
  const found = proof.promises.find((promised) => promised.id === id);
  if (found) return found;
  const names = proof.promises.map((promised) => promised.id);
  throw wrongUse("PROOF_UNKNOWN_PROMISE", `there is no promise "${id}"`, `there are: ${some(names)}`);
}

function cutLines({ says, holds, cuts, cutCounts }: PromiseProof): readonly string[] {
  if (!holds) return [`It is broken with nothing failed: ${says}.`];
  const total = cutCounts.reduce((sum, number) => sum + number, 0);
  const rows = cuts.map(({ components, share }) => [
    share < 0.0005 ? "< 0.1 %" : percent(share, 3),
    components.join(" + "),
  ]);
  return [
    `What breaks that ${says}:`,
    ...table(["share", "these together"], rows),
    ...(total > cuts.length ? [`and ${total - cuts.length} more that matter less`] : []),
  ];
}
