/** `panopticon lab`: real sites from one file on this box, and their end. */
import type { LabUpResult } from "#app/lab.ts";
import { PanopticonError } from "#base/errors.ts";
import type { Plan } from "#plan/plan.ts";
import { type AddCommand, command, group, labFile, type OutputOption } from "./command.ts";
import { labCurlCommand, labDigCommand } from "./lab-internet.ts";
import { labShellCommand } from "./lab-shell.ts";
import { labStatusCommand } from "./lab-status.ts";
import { colour, count, show, table } from "./print.ts";

/** Adds `lab` with `up`, `down`, `status`, `shell`, and `dig` and `curl` as they are outside. */
export const addLab: AddCommand = (program) => {
  program.addCommand(
    group("lab", "real machines and real Kubernetes from one file, on this box", [
      upCommand(),
      downCommand(),
      labStatusCommand(),
      labShellCommand(),
      labDigCommand(),
      labCurlCommand(),
    ]),
  );
};

interface UpOptions extends OutputOption {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

function upCommand() {
  return command("up", "bring up every site of a file, or go on where a former run stopped", [
    "lab up --yes",
    "lab up examples/home.yaml",
    "lab up examples/two-sites.yaml --dry-run",
  ])
    .argument("[file]", "federation file (examples/two-sites.yaml where none is named)")
    .option("-y, --yes", "install the Debian packages it needs without asking")
    .option("--dry-run", "say what would be changed, and change nothing")
    .action(up);
}

async function up(file: string | undefined, { yes, dryRun, output }: UpOptions): Promise<void> {
  const [{ readFederation }, { ensureHostPackages }, { labUp, requireRoot }, { asker }, { showProgress }] =
    await Promise.all([
      import("#app/files.ts"),
      import("#app/host.ts"),
      import("#app/lab.ts"),
      import("./ask.ts"),
      import("./progress.ts"),
    ]);
  const path = labFile(file);
  const federation = await readFederation(path);
  requireRoot();
  const ask = asker();
  const progress = showProgress();
  const { emit } = progress;
  const started = Date.now();
  try {
    if (!dryRun) await ensureHostPackages({ yes: yes ?? false, ...(ask && { ask }), emit });
    // Ctrl-C ends it at once: a run may be killed anywhere, and the next one goes on.
    const result = await labUp(federation, { dryRun: dryRun ?? false, emit });
    progress.stop();
    const seconds = (Date.now() - started) / 1000;
    const { changes, plan, federation: members, sample } = result;
    const shown = {
      changes,
      dryRun: dryRun ?? false,
      seconds,
      plan,
      ...(members && { members }),
      ...(sample && { sample: sample.hosts }),
    };
    const contexts = dryRun ? [] : await contextLines(plan);
    show(output, shown, () => (dryRun ? plannedLines(result) : builtLines(result, seconds, path, contexts)));
  } finally {
    progress.stop();
  }
}

function plannedLines({ changes }: LabUpResult): readonly string[] {
  return [
    changes === 0
      ? "Nothing would be changed."
      : `${count(changes, "change")} would be made; nothing was changed.`,
  ];
}

/** The contexts, with which kubectl and our own commands reach the sites; a name that is taken is no reason to fail. */
async function contextLines(plan: Plan): Promise<readonly string[]> {
  const { addContexts } = await import("#app/lab-kubeconfig.ts");
  try {
    const { file, contexts, current } = await addContexts(plan);
    return [`${file} has the contexts ${contexts.join(", ")}; the current one is ${current}.`];
  } catch (error) {
    if (!(error instanceof PanopticonError)) throw error;
    return [error.message];
  }
}

function memberLines({ federation }: LabUpResult): readonly string[] {
  if (!federation) return [];
  const { crown, epoch, planned, sites } = federation;
  if (crown === undefined) return ["No site holds the crown."];
  const joined = sites.filter((site) => site.well && site.epoch === epoch).length;
  return [
    `The crown is at ${crown} (epoch ${epoch}); ${joined} of ${count(sites.length, "site")} joined.`,
    ...(crown === planned ? [] : [`The file gives it to ${planned}: panopticon crown move --to ${planned}`]),
  ];
}

function builtLines(
  result: LabUpResult,
  seconds: number,
  file: string,
  contexts: readonly string[],
): readonly string[] {
  const { plan, changes } = result;
  const sites = plan.sites.filter((site) => site.machines.length > 0);
  const [first] = sites;
  const outcome = changes === 0 ? "nothing to change" : count(changes, "change");
  return [
    `${colour("bold", plan.federation)} is up: ${outcome} in ${Math.round(seconds)} s.`,
    ...sites.map((site) => {
      const of = (role: string) => site.machines.filter((machine) => machine.role === role).length;
      return `  ${site.name}: ${count(of("ecam"), "ECAM")}, ${count(of("controlplane"), "control plane")}, ${count(of("worker"), "worker")}; API https://${site.network.vip}:${site.endpoint.port}`;
    }),
    ...memberLines(result),
    ...contexts,
    ...sampleLines(result, file),
    "",
    "Next:",
    "  panopticon status",
    "  panopticon service list",
    "  panopticon federate examples/apps/shop.yaml",
    `  kubectl --context ${plan.crown} get nodes`,
    `  panopticon lab status ${file}`,
    `  panopticon lab shell ${first?.machines[0]?.name}`,
    `  panopticon lab down ${file}`,
  ];
}

/** Its names, each with a line to try. */
function sampleLines({ sample, plan }: LabUpResult, file: string): readonly string[] {
  const [host] = sample?.hosts ?? [];
  if (sample === undefined || host === undefined) return [];
  const perSite = plan.sites.map(({ domain, name }) => [host.replace(plan.domain, domain), `${name} alone`]);
  const rows = [[host, "whichever site is up"], ...perSite].map(([name = "", where = ""]) => [
    where,
    `panopticon lab curl https://${name}/ --file ${file}`,
  ]);
  return ["", ...table([`${sample.name.toUpperCase()} ANSWERS FROM`, "TRY"], rows)];
}

function downCommand() {
  return command("down", "take a lab off this box and leave nothing behind", [
    "lab down",
    "lab down examples/home.yaml",
  ])
    .argument("[file]", "federation file (examples/two-sites.yaml where none is named)")
    .action(down);
}

async function down(file: string | undefined, { output }: OutputOption): Promise<void> {
  const [{ previousPlan, readFederation }, { labDown }, { removeContexts }, { showProgress }] =
    await Promise.all([
      import("#app/files.ts"),
      import("#app/lab.ts"),
      import("#app/lab-kubeconfig.ts"),
      import("./progress.ts"),
    ]);
  const { federation } = await readFederation(labFile(file));
  const progress = showProgress();
  try {
    const plan = await previousPlan(federation.name);
    if (plan) await removeContexts(plan);
    const removed = await labDown(federation.name, progress.emit);
    progress.stop();
    show(output, { federation: federation.name, removed }, () =>
      removed.length === 0
        ? [`No lab of ${federation.name} is on this box.`]
        : [`The lab of ${federation.name} is gone: ${count(removed.length, "part")} removed.`],
    );
  } finally {
    progress.stop();
  }
}
