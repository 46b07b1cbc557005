/** What each site's own API says of its copies is told at the hub, where the type's config asks for it. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { KubeObject, Resource } from "#ports/kube.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import { type Federation, type Site, SPACE, startFederation, until } from "./federation.ts";

const obstacle = await planeObstacle();
const DEPLOYMENTS: Resource = { group: "apps", version: "v1", plural: "deployments" };
const FEDERATED: Resource<KubeObject & { readonly status?: Status }> = {
  group: "types.kubefed.io",
  version: "v1beta1",
  plural: "federateddeployments",
};
const WEB = { namespace: SPACE, name: "web" };

interface Status {
  readonly clusters?: readonly { readonly name: string; readonly remoteStatus?: Record<string, number> }[];
}

let federation: Federation;
let hub: Site;
let two: Site;
const remoteOf = async (site: Site) => {
  const { status } = await hub.kube.get({ resource: FEDERATED, ...WEB });
  return status?.clusters?.find(({ name }) => name === site.name)?.remoteStatus;
};
/** As the site's deployment controller would, which these planes do not run. */
const say = (site: Site, readyReplicas: number) =>
  site.kube.patch(
    { resource: DEPLOYMENTS, ...WEB, subresource: "status" },
    { status: { replicas: 3, readyReplicas } },
  );
const told = (what: string, holds: () => Promise<boolean>) => until(what, 60, holds, federation.sites);

beforeEach((context) => skipWithoutPlanes(context, obstacle));
beforeAll(async () => {
  if (obstacle !== undefined) return;
  federation = await startFederation(2);
  [hub, two] = federation.sites as [Site, Site];
  await federation.panopticon("federate", "enable", "deployments.apps");
  const container = { name: "web", image: "registry.example/web:1" };
  const labels = { app: "web" };
  const template = {
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
  await hub.kube.create({ resource: FEDERATED, namespace: SPACE }, {
    apiVersion: "types.kubefed.io/v1beta1",
    kind: "FederatedDeployment",
    metadata: WEB,
    spec: { template, placement: { clusterSelector: {} } },
  } as KubeObject);
  await told("it is at both sites", async () => {
    const { status } = await hub.kube.get({ resource: FEDERATED, ...WEB });
    return status?.clusters?.length === 2;
  });
});
afterAll(() => federation?.remove());

it("tells nothing of it where nobody asked", async () => {
  await say(two, 1);
  await told("the site says so", async () => {
    const { status } = (await two.kube.get({ resource: DEPLOYMENTS, ...WEB })) as KubeObject & {
      status?: { readyReplicas?: number };
    };
    return status?.readyReplicas === 1;
  });
  expect(await remoteOf(two)).toBeUndefined();
});

it("tells each site's own, and each change of it", async () => {
  await federation.panopticon("federate", "enable", "deployments.apps", "--collect-status");
  await told("the first is told", async () => (await remoteOf(two))?.["readyReplicas"] === 1);
  await say(two, 3);
  await say(hub, 2);
  await told("each change is told", async () => {
    const [ofHub, ofTwo] = [await remoteOf(hub), await remoteOf(two)];
    return ofHub?.["readyReplicas"] === 2 && ofTwo?.["readyReplicas"] === 3;
  });
  await federation.panopticon("federate", "enable", "deployments.apps");
  expect((await remoteOf(two))?.["readyReplicas"]).toBe(3);
});

it("takes it away when it is not asked for any more", async () => {
  await hub.kube.patch(
    {
      resource: { group: "core.kubefed.io", version: "v1beta1", plural: "federatedtypeconfigs" },
      namespace: "kube-federation-system",
      name: "deployments.apps",
    },
    { spec: { statusCollection: "Disabled" } },
  );
  await told(
    "it is gone",
    async () => (await remoteOf(two)) === undefined && (await remoteOf(hub)) === undefined,
  );
  expect(await remoteOf(two)).toBeUndefined();
});
