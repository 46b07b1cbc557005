/** `panopticon shell`, `exec` and `ssh-config`: onto the machines, from one place. */
import { spawn } from "node:child_process";
import { Command, InvalidArgumentError, Option } from "commander";
import type { ExecResult } from "#app/exec.ts";
import type { KnownMachine, Selection } from "#app/machine-access.ts";
import { wrongUse } from "#base/errors.ts";
import type { Role } from "#model/federation.ts";
import { type AddCommand, command, type OutputOption } from "./command.ts";
import { colour, say, show } from "./print.ts";

/** Adds `shell`, `exec` and `ssh-config`. */
export const addShell: AddCommand = (program) => {
  program.addCommand(shellCommand());
  program.addCommand(execCommand());
  program.addCommand(configCommand());
};

function shellCommand(): Command {
  return new Command("shell")
    .description("open a shell on a machine that was brought up from here, or run one command there")
    .argument("<machine>", "such as attic-cp-1")
    .argument("[command...]", "what to run instead of a shell, after `--`")
    .option("--federation <name>", "where two federations have a machine of that name")
    .addHelpText(
      "after",
      "\nExamples:\n  $ panopticon shell attic-cp-1\n  $ panopticon shell attic-ecam-1 -- ip address",
    )
    .action(async (machine: string, words: readonly string[], { federation }: { federation?: string }) => {
      const { findMachines } = await import("#app/machine-access.ts");
      const [found] = await findMachines({ machines: [machine], ...(federation && { federation }) });
      if (found) await openShell(found, words);
    });
}

/** Hands the terminal to `ssh`; the exit code is its own. */
export async function openShell(machine: KnownMachine, words: readonly string[]): Promise<void> {
  const { shellCommand: sshTo } = await import("#app/machine-access.ts");
  const [program = "", ...argv] = await sshTo(machine, words);
  const child = spawn(program, argv, { stdio: "inherit" });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 128));
  });
}

interface ExecFlags extends OutputOption {
  readonly all?: boolean;
  readonly federation?: string;
  readonly site?: string;
  readonly role?: Role;
  readonly machine: readonly string[];
  readonly timeout: number;
}

function execCommand(): Command {
  return command("exec", "run a command on many machines at once", [
    "exec --role worker -- uptime",
    "exec --site attic --role ecam -- ip -brief address",
    "exec --machine attic-cp-1 --machine attic-cp-2 -- systemctl is-system-running",
  ])
    .argument("<command...>", "what to run, after `--`; no shell reads it")
    .option("--all", "on every machine")
    .option("--federation <name>", "on machines of this federation")
    .option("--site <name>", "on machines of this site")
    .addOption(
      new Option("--role <role>", "on machines of this role").choices(["ecam", "controlplane", "worker"]),
    )
    .option("--machine <name>", "on this machine; may be given again", collect, [])
    .option("--timeout <seconds>", "how long it may take on a machine", seconds, 60)
    .action(exec);
}

async function exec(words: readonly string[], flags: ExecFlags): Promise<void> {
  const [{ findMachines }, { execOn }] = await Promise.all([
    import("#app/machine-access.ts"),
    import("#app/exec.ts"),
  ]);
  const machines = await findMachines(selectionOf(flags));
  if (machines.length > 1) say(`on ${machines.map(({ machine }) => machine.name).join(", ")} …`);
  const results = await execOn(machines, words, { timeoutSeconds: flags.timeout });
  show(flags.output, { results }, () => results.flatMap(resultLines));
  if (results.some(({ code }) => code === undefined)) process.exitCode = 3;
  else if (results.some(({ code }) => code !== 0)) process.exitCode = 1;
}

function selectionOf({ all, federation, site, role, machine }: ExecFlags): Selection {
  if (!all && !federation && !site && !role && machine.length === 0) {
    throw wrongUse("MACHINE_WHICH", "it is not said on which machines.", "Name some, or give --all.");
  }
  return {
    ...(federation && { federation }),
    ...(site && { site }),
    ...(role && { role }),
    ...(machine.length > 0 && { machines: machine }),
  };
}

/** Every line with its machine before it, so that what many said can be told apart and searched. */
function resultLines({ machine, code, stdout, stderr }: ExecResult): readonly string[] {
  const said = [stdout, stderr].flatMap((text) => text.trimEnd().split("\n")).filter((line) => line !== "");
  const end = code === undefined ? "not reached" : `ended with ${code}`;
  return [
    ...said.map((line) => `${colour("bold", machine)}  ${line}`),
    ...(code === 0 ? [] : [`${colour("bold", machine)}  ${colour("red", end)}`]),
    ...(code === 0 && said.length === 0 ? [`${colour("bold", machine)}  done`] : []),
  ];
}

function configCommand(): Command {
  return command("ssh-config", "write how ssh reaches the machines, and say how to include it", [
    "ssh-config",
  ])
    .option("--federation <name>", "of this federation alone")
    .action(async ({ federation, output }: OutputOption & { federation?: string }) => {
      const { findMachines, writeSshConfig } = await import("#app/machine-access.ts");
      const machines = await findMachines({ ...(federation && { federation }) });
      const plans = [...new Set(machines.map(({ plan }) => plan))];
      const files = await Promise.all(plans.map((plan) => writeSshConfig(plan)));
      show(output, { files }, () => files.map((file) => `Include ${file}`));
      if (output === "text") say("Put this at the beginning of ~/.ssh/config; then `ssh attic-cp-1` works.");
    });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value <= 86_400) return value;
  throw new InvalidArgumentError("a whole number of seconds, at most a day, is wanted");
}
