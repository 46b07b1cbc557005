/** What a thief tries with the credential of a site's agent at the hub. */
import { expect } from "vitest";
import { newKeys } from "#control/federation/join/seal.ts";
import { type Kube, KubeError, type KubeObject, type ObjectRef, type Resource } from "#ports/kube.ts";
import { createMap, federatedMap, federatedRef, SPACE, until } from "./federation.ts";

export const SYSTEM = "kube-federation-system";

/** Whatever there is, with the fields that are looked at here. */
export interface Loose extends KubeObject {
  readonly spec?: {
    readonly epoch?: number;
    readonly sites?: readonly { readonly name: string }[];
    readonly apiEndpoint?: string;
    readonly kind?: string;
    readonly name?: string;
    readonly body?: { readonly spec: { readonly access: readonly { readonly site: string }[] } };
  };
  readonly status?: {
    readonly phase?: string;
    readonly token?: string;
    readonly holder?: { readonly heard: boolean };
    readonly clusters?: readonly { readonly name: string }[];
  };
}

/** An object as it is, whatever it holds. */
export function loose(object: object): Loose {
  return object;
}

export const ours = (plural: string): Resource<Loose> => ({
  group: "federation.panopticon.dev",
  version: "v1",
  plural,
});
export const core = (plural: string): Resource<Loose> => ({
  group: "core.kubefed.io",
  version: "v1beta1",
  plural,
});
export const plain = (plural: string): Resource<Loose> => ({ group: "", version: "v1", plural });
export const CROWN: ObjectRef<Loose> = { resource: ours("crowns"), name: "crown" };

const LEASES: Resource<Loose> = { group: "coordination.k8s.io", version: "v1", plural: "leases" };

const no = (work: Promise<unknown>): Promise<void> => expect(work).rejects.toThrow("HTTP 403");

/** Everything that whoever has the credential of `mine` at the hub might write; what is its own works. */
export async function robEntries(thief: Kube, admin: Kube, mine: string, other: string): Promise<void> {
  const status = { ...federatedRef("first"), subresource: "status" };
  const before = await admin.get(federatedRef("first"));
  const entry = { name: other, status: "CreationFailed", message: "stolen" };
  const head = { apiVersion: before.apiVersion ?? "", kind: before.kind ?? "" };
  const metadata = { name: "first", namespace: SPACE };
  await no(
    thief.apply(
      status,
      { ...head, metadata, ...loose({ status: { clusters: [entry] } }) },
      { fieldManager: "x" },
    ),
  );
  await no(thief.patch(status, { status: { clusters: [] } }));
  await no(thief.patch(status, { status: { conditions: [] } }));
  await robReports(thief, admin, mine, other);

  await no(thief.patch(federatedRef("first"), { spec: { template: { data: { value: "stolen" } } } }));
  await no(thief.delete(federatedRef("first")));
  await no(createMap(thief, federatedMap("stolen", { value: "x" })));
  await no(
    thief.patch(
      { resource: core("federatedtypeconfigs"), namespace: SYSTEM, name: "configmaps" },
      { spec: { propagation: "Disabled" } },
    ),
  );

  const lease = (site: string) => ({ resource: LEASES, namespace: SYSTEM, name: `site-${site}` });
  await no(thief.patch(lease(other), { spec: { renewTime: "2020-01-01T00:00:00.000000Z" } }));
  const leaseNamed = (name: string) => ({ metadata: { name } });
  for (const name of ["x", "panopticon-agent", `site-${other}x`])
    await no(thief.create({ resource: LEASES, namespace: SYSTEM }, leaseNamed(name)));
  await no(thief.create({ resource: LEASES, namespace: "default" }, leaseNamed(`site-${mine}`)));
  await no(thief.delete(lease(mine)));
  await thief.patch(lease(mine), { spec: { holderIdentity: mine } });

  const cluster = (site: string) => ({ resource: core("kubefedclusters"), namespace: SYSTEM, name: site });
  await no(thief.patch(cluster(other), { spec: { apiEndpoint: "https://thief" } }));
  await no(thief.patch(cluster(mine), { metadata: { labels: { tier: "secret" } } }));
  await no(thief.patch({ ...cluster(mine), subresource: "status" }, { status: { conditions: [] } }));
  await no(thief.delete(cluster(other)));
  const { spec: known } = await admin.get(cluster(mine));
  await thief.patch(cluster(mine), { spec: { apiEndpoint: known?.apiEndpoint } });

  const crown = await admin.get(CROWN);
  // Agents write how far they are in its status: whoever comes second in that moment tries again.
  const write = async (spec: object, tries = 20): Promise<Loose> => {
    const now = await admin.get(CROWN);
    try {
      return await thief.replace(CROWN, { ...now, ...loose({ spec: { ...now.spec, ...spec } }) });
    } catch (error) {
      if (tries === 0 || !(error instanceof KubeError) || error.status !== 409) throw error;
      return write(spec, tries - 1);
    }
  };
  const sites = crown.spec?.sites ?? [];
  const changed = (name: string, part: object) =>
    sites.map((one) => (one.name === name ? { ...one, ...part } : one));
  await no(write({ epoch: (crown.spec?.epoch ?? 0) + 1001, holder: mine }));
  await no(write({ frozen: { to: mine, at: "2026-01-01T00:00:00Z" } }));
  const witness = { name: "thief", url: "https://thief", certificate: "eA==", federation: "0".repeat(16) };
  await no(write({ witness }));
  await no(write({ sites: changed(other, { endpoints: ["https://thief"] }) }));
  await no(write({ sites: changed(mine, { seat: 77 }) }));
  await no(write({ sites: changed(mine, { leaving: "drain" }) }));
  await no(write({ sites: sites.filter((one) => one.name !== mine) }));
  await no(write({ sites: sites.filter((one) => one.name !== other) }));
  await no(write({ sites: [...sites, { name: "friend", kind: "on-prem", seat: 9, endpoints: [] }] }));
  await no(
    thief.patch({ ...CROWN, subresource: "status" }, { status: { promised: { epoch: 9001, site: mine } } }),
  );
  await no(thief.delete(CROWN));
  await write({});

  const [mirror] = (await admin.list({ resource: ours("mirrors") })).items;
  const mirrorRef = { resource: ours("mirrors"), name: mirror?.metadata?.name ?? "" };
  await no(thief.patch(mirrorRef, { spec: { hash: "x" } }));
  await no(thief.delete(mirrorRef));
  const access = (site: string) => ({ resource: ours("siteaccesses"), name: site });
  await no(thief.patch(access(other), { spec: { publicKey: newKeys().publicKey } }));
  await no(thief.delete(access(mine)));

  const conflict = (site: string, part: object = {}) =>
    loose({
      apiVersion: "federation.panopticon.dev/v1",
      kind: "Conflict",
      metadata: { name: `stolen-${site}` },
      spec: {
        group: "",
        version: "v1",
        kind: "ConfigMap",
        plural: "configmaps",
        namespace: "",
        name: "x",
        operation: "Delete",
        site,
        epoch: 1001,
        resourceVersion: "1",
        hash: "h",
        foundAt: "2026-01-01T00:00:00Z",
        ...part,
      },
    });
  const conflicts = { resource: ours("conflicts") };
  await no(thief.create(conflicts, conflict(other)));
  await no(thief.create(conflicts, conflict(mine, { resolution: "Apply" })));
  const told = { ...conflicts, name: `stolen-${mine}` };
  if (!(await admin.find(told))) await thief.create(conflicts, conflict(mine));
  await no(thief.patch(told, { spec: { resolution: "Apply" } }));
  await no(thief.delete(told));
}

/** An entry comes of its own site's report, and there is no way to another's. */
async function robReports(thief: Kube, admin: Kube, mine: string, other: string): Promise<void> {
  const first = federatedRef("first") as ObjectRef<Loose>;
  const { uid, generation } = (await admin.get(first)).metadata ?? {};
  const { epoch } = (await admin.get(CROWN)).spec ?? {};
  const entry = {
    type: "federatedconfigmaps.types.kubefed.io",
    namespace: SPACE,
    name: "first",
    uid,
    observedGeneration: generation,
    status: "CreationFailed",
    message: "stolen",
  };
  const report = (site: string) => ({ resource: ours("sitereports"), name: site });
  const stolen = { spec: { epoch, entries: [entry] } };
  await no(thief.patch(report(other), stolen));
  const head = { apiVersion: "federation.panopticon.dev/v1", kind: "SiteReport", metadata: { name: "x" } };
  await no(thief.create({ resource: ours("sitereports") }, { ...head, ...loose(stolen) }));
  await no(thief.delete(report(mine)));
  await thief.patch(report(mine), stolen);
  const robbed = async (): Promise<readonly string[]> => {
    const { clusters = [] } = (await admin.get(first)).status ?? {};
    return clusters.filter((one) => JSON.stringify(one).includes("stolen")).map(({ name }) => name);
  };
  await until("the hub takes its word for itself", 30, async () => (await robbed()).length > 0);
  expect(await robbed().then((names) => names.filter((name) => name !== mine))).toEqual([]);
}

/** What has nothing to do with the federation, and what would give the thief more. */
export async function robTheRest(thief: Kube): Promise<void> {
  for (const plural of ["secrets", "configmaps", "pods", "serviceaccounts", "namespaces"])
    await no(thief.list({ resource: plain(plural) }));
  await no(thief.list({ resource: ours("siterequests") }));
  const account = {
    resource: plain("serviceaccounts"),
    namespace: SYSTEM,
    name: "default",
    subresource: "token",
  };
  await no(thief.create(account, { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest" }));
  const role = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "stolen" },
  };
  await no(
    thief.create(
      { resource: { group: "rbac.authorization.k8s.io", version: "v1", plural: "clusterroles" } },
      role,
    ),
  );
}
