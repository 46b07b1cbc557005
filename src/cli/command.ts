/**
 * What every command has in common: its options, its example, its place in the
 * program. A command imports the rooms it works with only once it runs, so that
 * help and completion are quick.
 */
import { join } from "node:path";
import { Command, Option } from "commander";
import { EXAMPLES } from "#app/folders.ts";
import { type Output, say } from "./print.ts";

/** Adds one command, with its subcommands, to the program. */
export type AddCommand = (program: Command) => void;

export interface OutputOption {
  readonly output: Output;
}

/** A command with `-o json` and an example below its help. */
export function command(usage: string, description: string, examples: readonly string[]): Command {
  const shown = examples.map((example) => `  $ panopticon ${example}`).join("\n");
  return new Command(usage)
    .description(description)
    .addOption(
      new Option("-o, --output <format>", "how the result is shown")
        .choices(["text", "json"])
        .default("text"),
    )
    .addHelpText("after", `\nExample${examples.length === 1 ? "" : "s"}:\n${shown}`);
}

/** A command that only holds others, such as `components`. */
export function group(name: string, description: string, commands: readonly Command[]): Command {
  const parent = new Command(name).description(description);
  for (const child of commands) parent.addCommand(child);
  return parent;
}

/** The federation file of a lab: the one named, else the first example, which is then said. */
export function labFile(file: string | undefined): string {
  if (file) return file;
  const example = join(EXAMPLES, "two-sites.yaml");
  say(`no file named: using ${example}`);
  return example;
}
