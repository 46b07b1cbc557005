/** How an agent reaches other sites: by the contexts of a kubeconfig, else with the credentials that they gave it. */
import type { CrownSite } from "#control/federation/api/crown.ts";
import { heldToken } from "#control/federation/join/held.ts";
import { type FirstHub } from "#control/federation/join/keys.ts";
import type { KeyPair } from "#control/federation/join/seal.ts";
import { openKube } from "#drivers/kube/client.ts";
import { type KubeAccess, readKubeconfig } from "#drivers/kube/kubeconfig.ts";
import type { KubeSettings } from "#drivers/kube/transport.ts";
import type { Kube } from "#ports/kube.ts";
import { contextNames } from "./contexts.ts";

export interface Reach {
  /** The hub that was named, or joined at; undefined where there is none. */
  readonly first: Kube | undefined;
  /** Sites that the kubeconfig names. */
  readonly named: readonly string[];
  /** A site's API; one that has not let this site in yet fails until it does. */
  open(site: CrownSite): Kube | undefined;
  /** The site has joined at this hub. */
  joined(hub: FirstHub): void;
  close(): Promise<unknown>;
}

export interface ReachSettings {
  readonly site: string;
  readonly own: Kube;
  readonly keys: () => Promise<KeyPair>;
  /** Contexts named as sites are used for them, the current one, whatever its name, for the first hub. */
  readonly hubKubeconfig: string | undefined;
}

export async function openReach({ site, own, keys, hubKubeconfig }: ReachSettings): Promise<Reach> {
  const opened: Kube[] = [];
  const keep = (settings: KubeSettings): Kube => {
    const kube = openKube(settings);
    opened.push(kube);
    return kube;
  };
  const held = (from: string, token?: string) =>
    heldToken(own, keys, { from, to: site }, token, () => performance.now());
  const named = hubKubeconfig === undefined ? undefined : (await readKubeconfig(hubKubeconfig)).settings;
  const contexts = hubKubeconfig === undefined ? new Map() : await contextsOf(hubKubeconfig);
  let first = named && { kube: keep(named), is: (other: CrownSite) => isAt(named, other) };
  return {
    named: [...contexts.keys()],
    get first() {
      return first?.kube;
    },
    joined(hub) {
      const [server = ""] = hub.endpoints;
      const authority = hub.authority !== undefined && { authority: hub.authority };
      const kube = keep({ server, ...authority, token: held(hub.site, hub.token) });
      first = { kube, is: ({ name }) => name === hub.site };
    },
    open(other) {
      const known = contexts.get(other.name)?.settings;
      if (known) return keep({ ...known, ...addressOf(other) });
      if (first?.is(other)) return first.kube;
      const address = addressOf(other);
      return address && keep({ ...address, token: held(other.name) });
    },
    close: () => Promise.all(opened.map((kube) => kube.close())),
  };
}

/** What the crown says of a site's address; undefined where it says nothing. */
function addressOf({
  endpoints: [server],
  caBundle,
}: CrownSite): Pick<KubeSettings, "server" | "authority"> | undefined {
  if (server === undefined) return undefined;
  return { server, ...(caBundle !== undefined && { authority: Buffer.from(caBundle, "base64").toString() }) };
}

/** Whether these settings lead to this site: by its address, or by the authority that its certificates come from. */
function isAt({ server, authority }: KubeSettings, { endpoints, caBundle }: CrownSite): boolean {
  if (endpoints.includes(server)) return true;
  return (
    authority !== undefined &&
    caBundle !== undefined &&
    Buffer.from(caBundle, "base64").toString().trim() === authority.trim()
  );
}

async function contextsOf(file: string): Promise<ReadonlyMap<string, KubeAccess>> {
  const names = await contextNames(file);
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readKubeconfig(file, name)] as const)),
  );
}
