/** Which kinds of objects an API has. */
import { type Discovery, type KindInfo, KubeError, type RequestOptions } from "#ports/kube.ts";
import type { Send } from "./send.ts";

/** All groups in one document (stable since Kubernetes 1.30); older servers answer with a plain list of groups. */
const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

export async function discover(send: Send, options: RequestOptions = {}): Promise<Discovery> {
  const [core, groups] = await Promise.all([root(send, "/api", options), root(send, "/apis", options)]);
  const kinds = [...core.kinds, ...groups.kinds];
  return { kinds, stale: [...core.stale, ...groups.stale] };
}

async function root(send: Send, path: "/api" | "/apis", options: RequestOptions): Promise<Discovery> {
  const answer: Root = await send({ method: "GET", path, repeatable: true, accept: AGGREGATED }, options);
  if (answer.kind === "APIGroupDiscoveryList") return fromAggregated(answer);
  const versions =
    path === "/api"
      ? (answer.versions ?? []).map((version) => ({ group: "", version }))
      : (answer.groups ?? []).flatMap(preferredFirst);
  const parts = await Promise.all(versions.map((one) => oneVersion(send, one, options)));
  return { kinds: parts.flatMap(({ kinds }) => kinds), stale: parts.flatMap(({ stale }) => stale) };
}

function fromAggregated({ items = [] }: Root): Discovery {
  const versions = items.flatMap(({ metadata, versions }) =>
    versions.map((version) => ({ ...version, group: metadata?.name ?? "" })),
  );
  const kinds = versions.flatMap(({ group, version, resources = [] }) =>
    resources.map(
      (one): KindInfo => ({
        group,
        version,
        plural: one.resource,
        singular: one.singularResource,
        kind: one.responseKind?.kind ?? "",
        namespaced: one.scope === "Namespaced",
        verbs: one.verbs,
        shortNames: one.shortNames ?? [],
        subresources: (one.subresources ?? []).map(({ subresource }) => subresource),
      }),
    ),
  );
  const stale = versions.filter(({ freshness }) => freshness === "Stale");
  return { kinds, stale: stale.map(({ group, version }) => `${group}/${version}`) };
}

interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

function preferredFirst({ name, versions, preferredVersion }: ListedGroup): readonly GroupVersion[] {
  const preferred = preferredVersion?.version;
  const rank = ({ version }: { version: string }): number => (version === preferred ? 0 : 1);
  return versions
    .toSorted((left, right) => rank(left) - rank(right))
    .map(({ version }) => ({ group: name, version }));
}

/** A group whose server is gone hides its own kinds only. */
async function oneVersion(
  send: Send,
  { group, version }: GroupVersion,
  options: RequestOptions,
): Promise<Discovery> {
  const path = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  try {
    const { resources = [] } = await send<ResourceList>({ method: "GET", path, repeatable: true }, options);
    const kinds = resources
      .filter(({ name }) => !name.includes("/"))
      .map(
        (one): KindInfo => ({
          group,
          version,
          plural: one.name,
          singular: one.singularName,
          kind: one.kind,
          namespaced: one.namespaced,
          verbs: one.verbs,
          shortNames: one.shortNames ?? [],
          subresources: resources
            .filter(({ name }) => name.startsWith(`${one.name}/`))
            .map(({ name }) => name.slice(one.name.length + 1)),
        }),
      );
    return { kinds, stale: [] };
  } catch (error) {
    if (!(error instanceof KubeError) || error.status === 0) throw error;
    return { kinds: [], stale: [`${group}/${version}`] };
  }
}

/** apidiscovery.k8s.io/v2 APIGroupDiscoveryList, or meta/v1 APIVersions and APIGroupList. */
interface Root {
  readonly kind: string;
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      readonly freshness?: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly singularResource: string;
        readonly responseKind?: { readonly kind: string };
        readonly scope: string;
        readonly verbs: readonly string[];
        readonly shortNames?: readonly string[];
        readonly subresources?: readonly { readonly subresource: string }[];
      }[];
    }[];
  }[];
  readonly versions?: readonly string[];
  readonly groups?: readonly ListedGroup[];
}

interface ListedGroup {
  readonly name: string;
  readonly versions: readonly { readonly version: string }[];
  readonly preferredVersion?: { readonly version: string };
}

/** meta/v1 APIResourceList. */
interface ResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly singularName: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
    readonly shortNames?: readonly string[];
  }[];
}
