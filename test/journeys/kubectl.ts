/** The real kubectl on a journey's own kubeconfig. */
import { join } from "node:path";
import { cacheDir } from "#app/folders.ts";
import { mustRun } from "#base/process.ts";

export type Kubectl = (argv: readonly string[], input?: string) => Promise<string>;

export function kubectlAt(kubeconfig: string, context: string): Kubectl {
  // Ours, of the cluster's own version, and not one the host may have.
  const program = join(cacheDir(), "bin", "kubectl");
  const common = [program, `--kubeconfig=${kubeconfig}`, `--context=${context}`];
  return (argv, input) => mustRun("TEST_KUBECTL", [...common, ...argv], input);
}
