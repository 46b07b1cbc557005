/** `panopticon lab shell MACHINE`: a shell on a machine, or one command there. */
import { spawn } from "node:child_process";
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
  const [{ readFederation }, { labPlan }, { shellCommand }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/lab.ts"),
    import("#app/lab-shell.ts"),
  ]);
  const { federation } = await readFederation(labFile(file));
  const [program = "", ...argv] = await shellCommand(await labPlan(federation.name), machine, words);
  const child = spawn(program, argv, { stdio: "inherit" });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 128));
  });
}
