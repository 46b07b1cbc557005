/** `panopticon completion SHELL`: commands, options, choices and files on Tab. */
import { globSync } from "node:fs";
import { join } from "node:path";
import type { ArgumentHandler, Command as Completed, OptionHandler } from "@bomb.sh/tab";
import { Argument, Command, type Option } from "commander";
import type { AddCommand } from "./command.ts";

const LAUNCHER = join(import.meta.dirname, "../../panopticon");

const INSTALL = `
Examples:
  $ source <(./panopticon completion bash)
  $ source <(./panopticon completion zsh)
  $ ./panopticon completion fish > ~/.config/fish/completions/panopticon.fish`;

/** Adds `completion`, and the hidden `complete` that its scripts call. */
export const addCompletion: AddCommand = (program) => {
  program
    .command("completion")
    .description("print the script that completes commands and options on Tab")
    .addArgument(new Argument("<shell>", "the shell it is for").choices(["bash", "zsh", "fish"]))
    .addHelpText("after", INSTALL)
    .action(async (shell: string) => {
      const { script } = await import("@bomb.sh/tab");
      script(shell, program.name(), LAUNCHER);
    });
  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .action((words: readonly string[]) => complete(program, words));
};

async function complete(program: Command, words: readonly string[]): Promise<void> {
  const { default: shellCompletion } = await import("@bomb.sh/tab");
  const files = fileCandidates(words.at(-1) ?? "");
  describe(shellCompletion, program, files);
  for (const [path, command] of subcommands(program)) {
    describe(shellCompletion.command(path, command.description()), command, files);
  }
  shellCompletion.parse([...words]);
}

/** Every visible command by the words that lead to it, such as `lab up`. */
function subcommands(parent: Command, before = ""): readonly (readonly [string, Command])[] {
  return parent
    .createHelp()
    .visibleCommands(parent)
    .filter((command) => command.name() !== "help")
    .flatMap((command) => {
      const path = `${before}${command.name()}`;
      return [[path, command] as const, ...subcommands(command, `${path} `)];
    });
}

function describe(to: Completed, command: Command, files: readonly string[]): void {
  for (const option of command.createHelp().visibleOptions(command)) describeOption(to, option);
  for (const argument of command.registeredArguments) {
    const words = argument.argChoices ?? (argument.name() === "file" ? files : []);
    to.argument(argument.name(), offer(words), argument.variadic);
  }
}

function describeOption(to: Completed, option: Option): void {
  const name = option.long?.slice(2);
  if (!name) return;
  const short = option.short?.slice(1);
  if (option.required || option.optional) {
    to.option(name, option.description, offer(option.argChoices ?? []), short);
  } else if (short) to.option(name, option.description, short);
  else to.option(name, option.description);
}

function offer(words: readonly string[]): ArgumentHandler & OptionHandler {
  return (complete) => {
    for (const word of words) complete(word, "");
  };
}

/** Federation files that begin with what was typed, here and one folder down. */
function fileCandidates(typed: string): readonly string[] {
  return globSync([`${typed}*.yaml`, `${typed}*/*.yaml`], { exclude: ["node_modules"] }).toSorted();
}
