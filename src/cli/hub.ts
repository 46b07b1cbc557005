/** How commands about a federation reach its sites: a kubeconfig, one context per site. */
import type { Command } from "commander";
import type { Kube } from "#ports/kube.ts";

export interface HubOption {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** A site's API, or undefined where there is no context of its name. */
export interface Hub {
  readonly kube: Kube;
  readonly namespace: string;
  readonly context: string;
  readonly server: string;
  readonly authority?: string;
  /** Of all contexts. */
  readonly names: readonly string[];
  readonly site: (name: string) => Kube | undefined;
}

export function withHub(command: Command): Command {
  return command
    .option(
      "--kubeconfig <file>",
      "whose contexts are named as the sites are ($KUBECONFIG, else ~/.kube/config)",
    )
    .option("--context <name>", "the hub's, where not the current one");
}

/** Opens the hub for `work`, and closes every client it opened. */
export async function useHub<T>(options: HubOption, work: (hub: Hub) => Promise<T>): Promise<T> {
  const [{ contextNames, openContext }, { kubeconfigPath }] = await Promise.all([
    import("#app/contexts.ts"),
    import("#app/kubeconfig.ts"),
  ]);
  const file = options.kubeconfig ?? kubeconfigPath(process.env);
  const first = await openContext(file, options.context);
  const names = await contextNames(file);
  const sites = new Map(
    await Promise.all(
      names.map(
        async (name) => [name, (await openContext(file, name).catch(() => undefined))?.kube] as const,
      ),
    ),
  );
  try {
    return await work({ ...first, names, site: (name) => sites.get(name) });
  } finally {
    await Promise.all([first.kube.close(), ...[...sites.values()].map((kube) => kube?.close())]);
  }
}

/** The same, where nothing but the hub will do: FEDERATION_NONE, SERVICE_NOT_HUB (exit 2). */
export function useServiceHub<T>(options: HubOption, work: (hub: Hub) => Promise<T>): Promise<T> {
  return useHub(options, async (hub) => {
    const { requireHub } = await import("#app/service-hub.ts");
    await requireHub(hub.kube, hub.context);
    return work(hub);
  });
}
