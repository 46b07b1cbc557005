/** The person's own kubeconfig gets a context per site of a lab, and loses them when the lab goes. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import type { Plan } from "#plan/plan.ts";
import { kubeconfigPath, mergeKubeconfig, removeFromKubeconfig, updateKubeconfig } from "./kubeconfig.ts";
import { openSite } from "./lab.ts";

export interface KubeconfigResult {
  /** The file kubectl reads. */
  readonly file: string;
  /** The crown's site first. */
  readonly contexts: readonly string[];
  /** The current context, which stays what it was where the file had one. */
  readonly current: string;
  /** Whether the file had to be written. */
  readonly changed: boolean;
}

/** Adds or renews the contexts, which are called as the sites are. */
export async function addContexts(plan: Plan): Promise<KubeconfigResult> {
  const file = kubeconfigPath(process.env);
  const onPrem = plan.sites.filter((site) => site.kind === "on-prem");
  const sites = onPrem.toSorted(
    (left, right) => Number(right.name === plan.crown) - Number(left.name === plan.crown),
  );
  const access = await Promise.all(
    sites.map(async (site) => {
      const { authority, client } = await openSite(plan, site).keyring.operator();
      const server = `https://${site.network.vip}:${site.endpoint.port}`;
      return { federation: plan.federation, site: site.name, server, authority, client };
    }),
  );
  const changed = await updateKubeconfig(file, (existing) => mergeKubeconfig(existing, access, file));
  const current = await currentContext(file);
  return { file, contexts: sites.map(({ name }) => name), current, changed };
}

async function currentContext(file: string): Promise<string> {
  const { "current-context": current = "" } = parse(await readFile(file, "utf8")) as {
    readonly "current-context"?: string;
  };
  return current;
}

/** Takes the contexts of a federation's sites away; a kubeconfig without them stays untouched. */
export async function removeContexts(plan: Plan): Promise<void> {
  const file = kubeconfigPath(process.env);
  const names = plan.sites.map(({ name }) => name);
  await updateKubeconfig(file, (existing) =>
    existing === undefined ? undefined : removeFromKubeconfig(existing, plan.federation, names, file),
  );
}
