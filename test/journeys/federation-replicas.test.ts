/** Replicas spread by preference over three real sites: kubefed's four end-to-end scenarios. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { KubeObject, Resource } from "#ports/kube.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import { TYPE_CASES, type TypeCase } from "./federated-types.ts";
import { type Federation, type Site, SPACE, startFederation, until } from "./federation.ts";

const obstacle = await planeObstacle();
const PREFERENCES: Resource = {
  group: "scheduling.kubefed.io",
  version: "v1alpha1",
  plural: "replicaschedulingpreferences",
};

describe("replicas over three sites", () => {
  let federation: Federation;
  let names: readonly string[];
  let hub: Site;

  // A preference is of one type, and has the name of what it is about.
  const nameOf = ({ kind }: TypeCase, what: string) => `${what}-${kind.toLowerCase()}`;

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    federation = await startFederation(3);
    [hub] = federation.sites as [Site];
    names = federation.sites.map(({ name }) => name);
    for (const type of ["deployments.apps", "replicasets.apps"])
      await federation.panopticon("federate", "enable", type);
  });
  afterAll(() => federation?.remove());

  const replicasAt = async ({ kube }: Site, { resource }: TypeCase, name: string) =>
    ((await kube.find({ resource, namespace: SPACE, name })) as { spec?: { replicas?: number } } | undefined)
      ?.spec?.replicas;
  const scheduled = async (one: TypeCase, name: string, wanted: readonly (number | undefined)[]) => {
    let seen: readonly unknown[] = [];
    await until(
      `${name} has ${wanted.join(", ")} replicas`,
      60,
      async () => {
        seen = await Promise.all(federation.sites.map((site) => replicasAt(site, one, name)));
        return JSON.stringify(seen) === JSON.stringify(wanted);
      },
      federation.sites,
    ).catch((error: Error) => {
      throw new Error(`${error.message}\nseen: ${JSON.stringify(seen)}`);
    });
    return seen;
  };
  const spread = async (
    one: TypeCase,
    name: string,
    spec: object,
    placement: object = { clusterSelector: {} },
  ) => {
    const metadata = { name, namespace: SPACE };
    await hub.kube.create({ resource: one.federated, namespace: SPACE }, {
      apiVersion: "types.kubefed.io/v1beta1",
      kind: `Federated${one.kind}`,
      metadata,
      spec: { template: one.template, placement },
    } as KubeObject);
    await hub.kube.create({ resource: PREFERENCES, namespace: SPACE }, {
      apiVersion: "scheduling.kubefed.io/v1alpha1",
      kind: "ReplicaSchedulingPreference",
      metadata,
      spec: { targetKind: `Federated${one.kind}`, ...spec },
    } as KubeObject);
  };
  const cases = TYPE_CASES.filter(({ kind }) => ["Deployment", "ReplicaSet"].includes(kind));

  it.each(cases)("$type: evenly, where nothing is preferred", async (one) => {
    await spread(one, nameOf(one, "even"), { totalReplicas: 9 });
    expect(await scheduled(one, nameOf(one, "even"), [3, 3, 3])).toHaveLength(3);
  });

  it.each(cases)("$type: by weight, and anew when the total changes", async (one) => {
    const [first = "", second = ""] = names;
    const clusters = { [first]: { weight: 1 }, [second]: { weight: 2 }, "*": { weight: 3 } };
    await spread(one, nameOf(one, "weighed"), { totalReplicas: 6, clusters, rebalance: true });
    await scheduled(one, nameOf(one, "weighed"), [1, 2, 3]);
    const ref = { resource: PREFERENCES, namespace: SPACE, name: nameOf(one, "weighed") };
    await hub.kube.patch(ref, { spec: { totalReplicas: 12 } });
    expect(await scheduled(one, nameOf(one, "weighed"), [2, 4, 6])).toHaveLength(3);
  });

  it.each(cases)("$type: between the least and the most", async (one) => {
    const [first = "", second = ""] = names;
    const clusters = {
      [first]: { minReplicas: 4, maxReplicas: 6, weight: 0 },
      [second]: { maxReplicas: 1, weight: 1 },
      "*": { weight: 1 },
    };
    await spread(one, nameOf(one, "bounded"), { totalReplicas: 10, clusters, rebalance: true });
    expect(await scheduled(one, nameOf(one, "bounded"), [4, 1, 5])).toHaveLength(3);
  });

  it.each(cases)("$type: only where the selector chooses, where that is asked", async (one) => {
    const [first = "", second = ""] = names;
    for (const name of [first, second])
      await hub.kube.patch(
        {
          resource: { group: "core.kubefed.io", version: "v1beta1", plural: "kubefedclusters" },
          namespace: "kube-federation-system",
          name,
        },
        { metadata: { labels: { zone: "near" } } },
      );
    const placement = { clusterSelector: { matchLabels: { zone: "near" } } };
    await spread(
      one,
      nameOf(one, "chosen"),
      { totalReplicas: 8, intersectWithClusterSelector: true },
      placement,
    );
    expect(await scheduled(one, nameOf(one, "chosen"), [4, 4, undefined])).toHaveLength(3);
  });
});
