/** `panopticon drill FILE`: faults made on purpose on a running lab, and whether the proof was right. */
import { writeFile } from "node:fs/promises";
import { InvalidArgumentError } from "commander";
import type { DrillList, PredictedFault } from "#app/drill.ts";
import { wrongUse } from "#base/errors.ts";
import type { Selection } from "#lifecycle/drill/select.ts";
import {
  brokenWords,
  drillPage,
  type DrillReport,
  type FaultResult,
  ownGaps,
  verdictWords,
} from "#render/reports/drill.ts";
import { type AddCommand, command, type OutputOption } from "./command.ts";
import { colour, count, say, show, table } from "./print.ts";

/** Adds `drill`. */
export const addDrill: AddCommand = (program) => {
  program.addCommand(
    command("drill", "make faults on a running lab on purpose, and hold what happens against the proof", [
      "drill examples/two-sites.yaml --all --order 1 --html drill.html",
      "drill examples/two-sites.yaml --only 'machine:attic-*' --only freeze:attic-ecam-1",
      "drill examples/two-sites.yaml --order 2 --sample 10 --seed 7 --dry-run",
    ])
      .argument("<file>", "federation file of a lab that is up")
      .option("--all", "every component of the plan")
      .option("--order <number>", "how many components are lost at once: 1, or 2 of one site", order, 1)
      .option("--sample <number>", "with --order 2: draw so many pairs", positive)
      .option("--seed <number>", "which ones are drawn", positive, 1)
      .option("--only <selector>", "faults of this name, * for any letters; may be given again", collect, [])
      .option("--again", "make faults anew that were finished on this plan before")
      .option("--dry-run", "say what would be done and what the proof says, and touch nothing")
      .option("--html <path>", "write the results as a page")
      .option("--for-real", "on machines that are no lab")
      .action(drillCommand),
  );
};

interface DrillFlags extends OutputOption {
  readonly all?: boolean;
  readonly order: 1 | 2;
  readonly sample?: number;
  readonly seed: number;
  readonly only: readonly string[];
  readonly again?: boolean;
  readonly dryRun?: boolean;
  readonly html?: string;
  readonly forReal?: boolean;
}

async function drillCommand(path: string, flags: DrillFlags): Promise<void> {
  const [{ readFederation }, app, { select }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/drill.ts"),
    import("#lifecycle/drill/select.ts"),
  ]);
  if (flags.forReal) {
    throw wrongUse(
      "DRILL_ONLY_LAB",
      "there is no ground but the lab yet, so --for-real has nothing to drill.",
      "Leave --for-real away: the lab is drilled without it.",
    );
  }
  const file = await readFederation(path);
  const list = await app.drillList(file);
  const selection: Selection = {
    only: flags.only,
    all: flags.all ?? false,
    order: flags.order,
    seed: flags.seed,
    ...(flags.sample !== undefined && { sample: flags.sample }),
  };
  const faults = select(list.known, selection);
  if (faults.length === 0) {
    showChoice(list, app.predictAll(list.graph, [...list.known.components, ...list.known.others]), flags);
    process.exitCode = 2;
    return;
  }
  if (flags.dryRun) {
    const planned = app.predictAll(list.graph, faults);
    show(flags.output, { federation: file.federation.name, faults: planned }, () => faultLines(planned));
    return;
  }
  await makeFaults(path, flags, selection);
}

async function makeFaults(path: string, flags: DrillFlags, selection: Selection): Promise<void> {
  const [{ readFederation }, { drill }, { showProgress }, { interruptSignal, interrupted, INTERRUPTED }] =
    await Promise.all([
      import("#app/files.ts"),
      import("#app/drill.ts"),
      import("./progress.ts"),
      import("./streams.ts"),
    ]);
  const progress = showProgress();
  try {
    const report = await drill(await readFederation(path), {
      path,
      selection,
      again: flags.again ?? false,
      signal: interruptSignal(),
      emit: progress.emit,
    });
    progress.stop();
    if (flags.html !== undefined) await writePage(flags.html, drillPage(report));
    const defects = report.results.filter((result) => result.defects.length > 0).length;
    show(flags.output, { ...report, defects }, () => reportLines(report, defects));
    process.exitCode = interrupted() ? INTERRUPTED : defects > 0 ? 1 : 0;
  } finally {
    progress.stop();
  }
}

async function writePage(path: string, page: string): Promise<void> {
  try {
    await writeFile(path, page);
  } catch (cause) {
    throw wrongUse("DRILL_PAGE", `the page could not be written to ${path}: ${(cause as Error).message}.`);
  }
}

/** Without a selection nothing is made: what there is to choose from. */
function showChoice({ known }: DrillList, faults: readonly PredictedFault[], { output }: DrillFlags): void {
  show(output, { faults, undrilled: known.undrilled }, () => [
    ...faultLines(faults),
    ...known.undrilled.map(({ id, reason }) => `not drilled: ${id}: ${reason}`),
  ]);
  say(
    "",
    "Nothing was selected, so nothing was done. Choose with --all, --order 2 [--sample N], or --only SELECTOR.",
  );
}

function faultLines(faults: readonly PredictedFault[]): readonly string[] {
  const rows = faults.map(({ id, says, breaks }) => [id, breaks.join(", ") || "nothing", says]);
  return table(["fault", "breaks, as the proof says", "what is done"], rows);
}

function reportLines(report: DrillReport, defects: number): readonly string[] {
  return [
    ...table(HEADINGS, report.results.map(row)),
    "",
    ...report.undrilled.map(({ id, reason }) => colour("dim", `not drilled: ${id}: ${reason}`)),
    "not measured: promises of data, backups, changes and the crown, which need what the sites do not run yet",
    `${count(report.results.length, "fault")}, ${defects === 0 ? colour("green", "no defect") : colour("red", count(defects, "defect"))}.`,
  ];
}

const HEADINGS = ["fault", "predicted", "measured", "API", "service", "etcd", "VIP", "healthy", "verdict"];

function row(result: FaultResult): readonly string[] {
  const gaps = ownGaps(result);
  const verdict = verdictWords(result);
  return [
    result.id,
    brokenWords(result, "predicted"),
    brokenWords(result, "measured"),
    seconds(gaps.api),
    seconds(gaps.service),
    seconds(gaps.etcd),
    result.holders.join("+") || "nobody",
    seconds(result.healthyAfter),
    result.defects.length > 0 ? colour("red", verdict) : verdict,
  ];
}

function seconds(value: number | undefined): string {
  return value === undefined ? "-" : `${value.toFixed(value < 10 ? 2 : 1)} s`;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function order(text: string): 1 | 2 {
  if (text === "1") return 1;
  if (text === "2") return 2;
  throw new InvalidArgumentError("it is 1 or 2");
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("it is a whole number from 1");
}
