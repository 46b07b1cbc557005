/** `panopticon kubeconfig`: kubectl, Helm and k9s just work, one context per site. */
import type { KubeconfigResult } from "#app/lab-kubeconfig.ts";
import { type AddCommand, command, labFile, type OutputOption } from "./command.ts";
import { show } from "./print.ts";

/** Adds `kubeconfig`. */
export const addKubeconfig: AddCommand = (program) => {
  program.addCommand(
    command("kubeconfig", "add a context per site to your kubeconfig ($KUBECONFIG, else ~/.kube/config)", [
      "kubeconfig",
      "kubeconfig examples/home.yaml",
    ])
      .argument("[file]", "federation file (examples/two-sites.yaml where none is named)")
      .action(kubeconfig),
  );
};

async function kubeconfig(file: string | undefined, { output }: OutputOption): Promise<void> {
  const [{ readFederation }, { labPlan }, { addContexts }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/lab.ts"),
    import("#app/lab-kubeconfig.ts"),
  ]);
  const { federation } = await readFederation(labFile(file));
  show(output, await addContexts(await labPlan(federation.name)), lines);
}

function lines({ file, contexts, changed }: KubeconfigResult): readonly string[] {
  return [
    `${file} ${changed ? "has" : "had"} the contexts ${contexts.join(", ")}.`,
    `Next: kubectl --context ${contexts[0]} get nodes`,
  ];
}
