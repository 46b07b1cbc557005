/** The real kubectl on a journey's own kubeconfig. */
import { mustRun } from "#base/process.ts";
import { findTool } from "../tools.ts";

export type Kubectl = (argv: readonly string[], input?: string) => Promise<string>;

export function kubectlAt(kubeconfig: string, context: string): Kubectl {
  const program = findTool("kubectl");
  if (!program) throw new Error("kubectl is not there: `panopticon components get` brings it");
  const common = [program, `--kubeconfig=${kubeconfig}`, `--context=${context}`];
  return (argv, input) => mustRun("TEST_KUBECTL", [...common, ...argv], input);
}
