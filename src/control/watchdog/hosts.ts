/** The host names that a site's services answer to, as its own API has them: what steering tells the other sites. */
import type { Ingress } from "kubernetes-types/networking/v1.d.ts";
import type { Kube, Resource } from "#ports/kube.ts";

const INGRESSES: Resource<Ingress> = { group: "networking.k8s.io", version: "v1", plural: "ingresses" };

/** Each once, sorted; patterns (`*.…`) are no names that can be asked for. */
export function hostsOf(ingresses: Iterable<Ingress>): readonly string[] {
  const hosts = [...ingresses].flatMap(({ spec }) => spec?.rules?.map(({ host }) => host) ?? []);
  const names = hosts.filter((host) => host !== undefined && host !== "" && !host.startsWith("*"));
  return [...new Set(names as readonly string[])].toSorted();
}

export interface HostsOptions {
  readonly kube: Kube;
  /** Of the Ingresses that count. */
  readonly labelSelector: string;
  /** Called with all of them, at first and whenever they change; never twice at once. */
  readonly tell: (hosts: readonly string[]) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Until its signal is aborted. While the API is away nothing is told. */
export async function followHosts({ kube, labelSelector, tell, signal }: HostsOptions): Promise<void> {
  const known = new Map<string, Ingress>();
  let told: string | undefined;
  let telling: Promise<void> = Promise.resolve();
  const changed = (): void => {
    const hosts = hostsOf(known.values());
    const text = hosts.join(" ");
    if (text === told) return;
    told = text;
    telling = telling.then(() => tell(hosts));
  };
  const keyOf = ({ metadata }: Ingress): string => `${metadata?.namespace}/${metadata?.name}`;
  await kube.listAndWatch(
    { resource: INGRESSES },
    {
      replace: (items) => {
        known.clear();
        for (const item of items) known.set(keyOf(item), item);
        changed();
      },
      change: (type, item) => {
        if (type === "deleted") known.delete(keyOf(item));
        else known.set(keyOf(item), item);
        changed();
      },
    },
    { signal, labelSelector },
  );
  await telling;
}
