/** `panopticon server replace OLD NEW FILE`: a dead server's machines on another one. */
import { resolve } from "node:path";
import type { ReplaceOutcome } from "#app/replace.ts";
import { command, type OutputOption } from "./command.ts";
import { colour, count, show } from "./print.ts";

export function replaceCommand() {
  return command("replace", "bring a dead server's machines up on another one, under their names", [
    "server replace attic/left attic/spare home.yaml --dry-run",
    "server replace attic/left attic/spare home.yaml",
    "server replace attic/left attic/left home.yaml   # the same name, on new hardware",
  ])
    .argument("<old>", "the dead server, as SITE/SERVER")
    .argument("<new>", "the server that takes over, as the file has it in the place of the old one")
    .argument("<file>", "federation file, in which the old server stands no more (or stands for the new one)")
    .option("--dry-run", "say each step and what it means, and change nothing")
    .option("--switched-off", "the old server is off for good, though something answers at its addresses")
    .option(
      "--identity <file>",
      "private key that root of the servers accepts (as the last `apply` was told)",
    )
    .option("--known-hosts <file>", "host keys of the servers by address (likewise)")
    .option("--through-servers", "reach the machines through their servers, from outside of the LAN")
    .action(replace);
}

interface ReplaceFlags extends OutputOption {
  readonly dryRun?: boolean;
  readonly switchedOff?: boolean;
  readonly identity?: string;
  readonly knownHosts?: string;
  readonly throughServers?: boolean;
}

async function replace(old: string, fresh: string, path: string, flags: ReplaceFlags): Promise<void> {
  const [{ readFederation }, { replaceDeadServer }, { readReplacement }, { showProgress }] =
    await Promise.all([
      import("#app/files.ts"),
      import("#app/replace.ts"),
      import("#app/replace-plan.ts"),
      import("./progress.ts"),
    ]);
  const order = readReplacement(old, fresh);
  const file = await readFederation(path);
  const { dryRun = false, switchedOff = false, output } = flags;
  const progress = showProgress();
  const started = Date.now();
  try {
    const { emit } = progress;
    const access = accessOf(flags);
    const outcome = await replaceDeadServer(file, order, {
      dryRun,
      switchedOff,
      ...(access && { access }),
      emit,
    });
    progress.stop();
    const seconds = (Date.now() - started) / 1000;
    const { machines, changes, verified, plan } = outcome;
    show(output, { ...order, machines, changes, dryRun, seconds, verified, plan }, () =>
      dryRun ? plannedLines(outcome) : doneLines(outcome, fresh, seconds),
    );
  } finally {
    progress.stop();
  }
}

/** Undefined where nothing was said of it. */
function accessOf({ identity, knownHosts, throughServers }: ReplaceFlags) {
  if (identity === undefined && knownHosts === undefined && throughServers === undefined) return undefined;
  return {
    ...(identity && { identity: resolve(identity) }),
    ...(knownHosts && { knownHosts: resolve(knownHosts) }),
    ...(throughServers && { throughServers }),
  };
}

function plannedLines({ changes, machines }: ReplaceOutcome): readonly string[] {
  return [
    `${count(changes, "step")} would be taken for ${machines.join(", ")}; nothing was changed.`,
    "Then etcd's votes, the nodes, HAProxy's backends and the ECAMs are looked at.",
  ];
}

function doneLines(
  { machines, changes, verified }: ReplaceOutcome,
  fresh: string,
  seconds: number,
): readonly string[] {
  return [
    `${colour("bold", machines.join(", "))} on ${fresh}: ${count(changes, "change")} in ${Math.round(seconds)} s.`,
    ...verified.map(({ says }) => `  ${says}`),
    "",
    "Leave the old server off: with its disks it would come back under the same addresses.",
  ];
}
