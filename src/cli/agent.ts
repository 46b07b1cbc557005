/** `panopticon agent`: one site's part of the federation, in the foreground. */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { Option } from "commander";
import { wrongUse } from "#base/errors.ts";
import { type AddCommand, command, group } from "./command.ts";
import { inForeground } from "./foreground.ts";

/** Adds `agent` with `run`. */
export const addAgent: AddCommand = (program) => {
  const agent = group("agent", "one site's part of the federation", []);
  agent.addCommand(runCommand(), { isDefault: true });
  program.addCommand(agent);
};

function runCommand() {
  return command("run", "mirror the hub, apply what is placed here, and keep it so, until it is ended", [
    "agent run --site attic --kubeconfig attic.yaml",
    "agent run --site cellar --kubeconfig cellar.yaml --hub-kubeconfig hub.yaml",
    "agent run --site cellar --kubeconfig cellar.yaml --join-token-file cellar.token",
  ])
    .requiredOption("--site <name>", "the site's name, which is its KubeFedCluster's")
    .requiredOption("--kubeconfig <file>", "of the site's own API")
    .option("--context <name>", "of that kubeconfig, where not the current one")
    .option(
      "--hub-kubeconfig <file>",
      "whose current context is the hub; contexts named as sites are used for those; not needed at a hub alone",
    )
    .option(
      "--join-token-file <file>",
      "of `site token create`; - for standard input. $PANOPTICON_JOIN_TOKEN does too. Not needed once the site has joined",
    )
    .option("--endpoint <url...>", "how the others reach this site's API, where not as its kubeconfig says")
    .addOption(
      new Option("--kind <kind>", "a cloud site can't hold the crown")
        .choices(["on-prem", "cloud"])
        .default("on-prem"),
    )
    .option("--port <number>", "of health and metrics; 0 for any", "0")
    .option("--listen <address>", "of health and metrics", "127.0.0.1")
    .option("--no-install", "leave the site's resources and policies as they are")
    .action(run);
}

interface RunOptions {
  readonly site: string;
  readonly kubeconfig: string;
  readonly context?: string;
  readonly hubKubeconfig?: string;
  readonly joinTokenFile?: string;
  readonly endpoint?: readonly string[];
  readonly kind: "on-prem" | "cloud";
  readonly port: string;
  readonly listen: string;
  readonly install: boolean;
}

async function run({ endpoint, port, joinTokenFile, ...rest }: RunOptions): Promise<void> {
  const { runAgent } = await import("#app/agent.ts");
  const joinToken = await joinTokenOf(joinTokenFile);
  const options = {
    ...rest,
    port: Number(port),
    ...(endpoint && { endpoints: endpoint }),
    ...(joinToken !== undefined && { joinToken }),
  };
  await inForeground((emit, signal) => runAgent(options, emit, signal));
}

/** Never an argument: others on the machine could read it. */
async function joinTokenOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return process.env["PANOPTICON_JOIN_TOKEN"] || undefined;
  try {
    return file === "-" ? await text(process.stdin) : await readFile(file, "utf8");
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw wrongUse(
      missing ? "CLI_FILE_MISSING" : "CLI_FILE_UNREADABLE",
      `${file} ${missing ? "does not exist" : "can't be read"}.`,
      "Name the file that `panopticon site token create` was written to.",
    );
  }
}
