/** `panopticon adopt FILE`: the state folder anew, from what the sites keep. */
import { resolve } from "node:path";
import type { AdoptResult } from "#app/adopt.ts";
import { type AddCommand, command, type OutputOption } from "./command.ts";
import { colour, count, show } from "./print.ts";

/** Adds `adopt`. */
export const addAdopt: AddCommand = (program) => {
  program.addCommand(
    command("adopt", "build a lost operator's state anew from what the sites keep", [
      "adopt home.yaml",
      "adopt home.yaml --identity ~/.ssh/servers",
    ])
      .argument(
        "<file>",
        "federation file that the sites were brought up with, in a lab on this box or on servers",
      )
      .option("--identity <file>", "private key that the servers' copies were sealed for (~/.ssh/id_ed25519)")
      .option("--known-hosts <file>", "host keys of the servers by address (~/.ssh/known_hosts)")
      .option("--through-servers", "reach the machines through their servers, from outside of the LAN")
      .action(adopt),
  );
};

interface AdoptFlags extends OutputOption {
  readonly identity?: string;
  readonly knownHosts?: string;
  readonly throughServers?: boolean;
}

async function adopt(path: string, flags: AdoptFlags): Promise<void> {
  const [{ readFederation }, { adoptFile }, { addContexts }, { showProgress }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/adopt.ts"),
    import("#app/lab-kubeconfig.ts"),
    import("./progress.ts"),
  ]);
  const file = await readFederation(path);
  const { identity, knownHosts, throughServers = false, output } = flags;
  const access = {
    ...(identity && { identity: resolve(identity) }),
    ...(knownHosts && { knownHosts: resolve(knownHosts) }),
    throughServers,
  };
  const progress = showProgress();
  try {
    const result = await adoptFile(file, access, progress.emit);
    const kubeconfig = await addContexts(result.plan);
    progress.stop();
    show(output, { ...result, kubeconfig }, () => [
      ...adoptedLines(result, path),
      `${kubeconfig.file} has the contexts ${kubeconfig.contexts.join(", ")}.`,
      ...nextLines(result, path),
    ]);
    if (result.sites.some(({ off }) => off.length > 0)) process.exitCode = 1;
  } finally {
    progress.stop();
  }
}

function adoptedLines(
  { plan, ground, sites, written, differs }: AdoptResult,
  path: string,
): readonly string[] {
  const off = sites.flatMap((site) => site.off);
  const later = ground === "lab" ? "start them, and run this again, or they will not let us in" : "look why";
  return [
    `${colour("bold", plan.federation)} is adopted: ${count(written, "file")} of its state written.`,
    ...sites.map(
      ({ site, from, machines }) => `  ${site}: by ${from}; ${count(machines.length, "machine")} let us in`,
    ),
    ...(off.length > 0 ? [`${off.join(", ")} did not answer: ${later}.`] : []),
    ...(differs.length > 0 ? [`${path} asks for more: ${differs.join("; ")}.`] : []),
    ...(ground === "lab" ? ["The lost operator's key opens none of these machines any more."] : []),
  ];
}

function nextLines({ ground }: AdoptResult, path: string): readonly string[] {
  return ground === "lab"
    ? ["", "Next:", `  panopticon lab status ${path}`, `  panopticon lab up ${path}`]
    : ["", "Next:", `  panopticon apply ${path} --dry-run`, "  panopticon exec --all -- uptime"];
}
