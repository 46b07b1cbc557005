/** `panopticon agent`: one site's part of the federation, in the foreground. */
import { Option } from "commander";
import { type AddCommand, command, group } from "./command.ts";
import { say } from "./print.ts";

/** Adds `agent` with `run`. */
export const addAgent: AddCommand = (program) => {
  const agent = group("agent", "one site's part of the federation", []);
  agent.addCommand(runCommand(), { isDefault: true });
  program.addCommand(agent);
};

function runCommand() {
  return command("run", "mirror the hub, apply what is placed here, and keep it so, until it is ended", [
    "agent run --site attic --kubeconfig attic.yaml",
    "agent run --site cellar --kubeconfig cellar.yaml --hub-kubeconfig sites.yaml",
  ])
    .requiredOption("--site <name>", "the site's name, which is its KubeFedCluster's")
    .requiredOption("--kubeconfig <file>", "of the site's own API")
    .option("--context <name>", "of that kubeconfig, where not the current one")
    .option(
      "--hub-kubeconfig <file>",
      "of the other sites: contexts named as they are, the current one the hub; not needed at a hub alone",
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
  readonly endpoint?: readonly string[];
  readonly kind: "on-prem" | "cloud";
  readonly port: string;
  readonly listen: string;
  readonly install: boolean;
}

async function run({ endpoint, port, ...rest }: RunOptions): Promise<void> {
  const { runAgent } = await import("#app/agent.ts");
  const end = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => end.abort(new Error(signal)));
  const options = { ...rest, port: Number(port), ...(endpoint && { endpoints: endpoint }) };
  await runAgent(
    options,
    (event) => {
      if (event.kind === "note") say(`${new Date().toISOString()} ${event.subject}: ${event.what}`);
    },
    end.signal,
  );
}
