/** `panopticon lab shell MACHINE`: as `panopticon shell`, of the lab of one file. */
import { Command } from "commander";
import { labFile } from "./command.ts";

export function labShellCommand() {
  return new Command("shell")
    .description("open a shell on a machine, or run one command there")
    .argument("<machine>", "such as attic-cp-1; `panopticon lab status` lists them")
    .argument("[command...]", "what to run instead of a shell, after `--`")
    .option("-f, --file <file>", "federation file (examples/two-sites.yaml where none is named)")
    .addHelpText(
      "after",
      "\nExamples:\n  $ panopticon lab shell attic-cp-1\n  $ panopticon lab shell attic-ecam-1 -- ip address",
    )
    .action(shell);
}

async function shell(machine: string, words: readonly string[], { file }: { file?: string }): Promise<void> {
  const [{ readFederation }, { labPlan }, { findMachines }, { openShell }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/lab.ts"),
    import("#app/machine-access.ts"),
    import("./shell.ts"),
  ]);
  const { federation } = await readFederation(labFile(file));
  await labPlan(federation.name); // says that no lab was brought up
  const [found] = await findMachines({ federation: federation.name, machines: [machine] });
  if (found) await openShell(found, words);
}
