/** `panopticon adopt FILE`: the state folder anew, from what the sites keep. */
import type { AdoptResult } from "#app/adopt.ts";
import { type AddCommand, command, type OutputOption } from "./command.ts";
import { colour, count, show } from "./print.ts";

/** Adds `adopt`. */
export const addAdopt: AddCommand = (program) => {
  program.addCommand(
    command("adopt", "build a lost operator's state anew from what the sites keep, for a lab on this box", [
      "adopt home.yaml",
    ])
      .argument("<file>", "federation file that the sites were brought up with")
      .action(adopt),
  );
};

async function adopt(path: string, { output }: OutputOption): Promise<void> {
  const [{ readFederation }, { adoptFile }, { addContexts }, { showProgress }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/adopt.ts"),
    import("#app/lab-kubeconfig.ts"),
    import("./progress.ts"),
  ]);
  const file = await readFederation(path);
  const progress = showProgress();
  try {
    const result = await adoptFile(file, progress.emit);
    const kubeconfig = await addContexts(result.plan);
    progress.stop();
    const { written, sites, differs, plan } = result;
    show(output, { written, sites, differs, kubeconfig, plan }, () => [
      ...adoptedLines(result, path),
      `${kubeconfig.file} has the contexts ${kubeconfig.contexts.join(", ")}.`,
    ]);
    if (sites.some(({ off }) => off.length > 0)) process.exitCode = 1;
  } finally {
    progress.stop();
  }
}

function adoptedLines({ plan, sites, written, differs }: AdoptResult, path: string): readonly string[] {
  const off = sites.flatMap((site) => site.off);
  return [
    `${colour("bold", plan.federation)} is adopted: ${count(written, "file")} of its state written.`,
    ...sites.map(
      ({ site, from, machines }) => `  ${site}: from ${from}; ${count(machines.length, "machine")} let us in`,
    ),
    ...(off.length > 0
      ? [`${off.join(", ")} are off: start them, and run this again, or they will not let us in.`]
      : []),
    ...(differs.length > 0 ? [`The file asks for more: ${differs.join("; ")}.`] : []),
    "The lost operator's key opens none of these machines any more.",
    `Next: panopticon lab status ${path}, and panopticon lab up ${path}, which has nothing to change.`,
  ];
}
