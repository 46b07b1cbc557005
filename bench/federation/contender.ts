/** What is measured: a hub, which is no member, and two members, once under our agents and once under kubefed. */
import type { Kube } from "#ports/kube.ts";
import { startFederation } from "../../test/journeys/federation.ts";
import { startKubefed } from "../../test/kube/kubefed.ts";
import { type Plane, startPlanes } from "../../test/kube/plane.ts";
import { FEDERATED_MAPS, FEDERATED_NAMESPACES, SPACE } from "./objects.ts";

export interface Contender {
  readonly name: string;
  readonly hub: Plane;
  readonly members: readonly Plane[];
  /** Processes of its own, whatever cluster each works for. */
  controllers(): readonly number[];
  /** Ends everything. */
  remove(): Promise<void>;
}

const TYPES = ["namespaces", "configmaps"];

/** Our agents: one for each site, the hub's too. */
export async function startOurs(): Promise<Contender> {
  const federation = await startFederation(3, { types: false });
  const [hub, ...members] = federation.sites.map(({ plane }) => plane);
  if (!hub) throw new Error("a federation has a hub");
  for (const type of TYPES) await federation.panopticon("federate", "enable", type);
  // The brake that holds mass deletions back is for mistakes, and the bench makes none.
  for (const member of members) await releaseBrake(member);
  const ours: Contender = {
    name: "Panopticon",
    hub,
    members,
    controllers: () => federation.sites.flatMap((site) => site.agentProcess() ?? []),
    remove: () => federation.remove(),
  };
  return placed(ours);
}

async function releaseBrake(plane: Plane): Promise<void> {
  const kube = plane.open();
  const { name } = plane;
  const resource = { group: "federation.panopticon.dev", version: "v1", plural: "deletebrakes" };
  const head = { apiVersion: "federation.panopticon.dev/v1", kind: "DeleteBrake", metadata: { name } };
  const brake = { ...head, spec: { budget: { count: 1_000_000, percent: 100 } } };
  await patiently(() => kube.apply({ resource, name }, brake));
}

/** kubefed's controller-manager and webhook, with what its chart sets. */
export async function startPeer(): Promise<Contender> {
  const planes = await startPlanes(3, { durable: false });
  const removePlanes = () => Promise.all(planes.map((plane) => plane.remove()));
  const [hub, ...members] = planes;
  if (!hub) throw new Error("three planes were asked for");
  try {
    const kubefed = await startKubefed(hub, members, TYPES);
    const peer: Contender = {
      name: "kubefed",
      hub,
      members,
      controllers: () => [kubefed.controllerManager, kubefed.webhook].flatMap(({ pid }) => pid ?? []),
      async remove() {
        await kubefed.remove();
        await removePlanes();
      },
    };
    return await placed(peer);
  } catch (error) {
    await removePlanes();
    throw error;
  }
}

/** Puts the namespace on both members. */
async function placed(contender: Contender): Promise<Contender> {
  const kube = contender.hub.open();
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: SPACE } };
  try {
    await kube.create({ resource: { group: "", version: "v1", plural: "namespaces" } }, namespace);
    await patiently(() => kube.list({ resource: FEDERATED_MAPS }));
    await placeNamespace(kube, contender.members);
    return contender;
  } catch (error) {
    await contender.remove();
    throw error;
  }
}

async function placeNamespace(kube: Kube, members: readonly Plane[]): Promise<void> {
  const placement = { clusters: members.map(({ name }) => ({ name })) };
  const object = {
    apiVersion: "types.kubefed.io/v1beta1",
    kind: "FederatedNamespace",
    metadata: { name: SPACE, namespace: SPACE },
    spec: { placement },
  };
  await patiently(() => kube.create({ resource: FEDERATED_NAMESPACES, namespace: SPACE }, object));
}

/** Types that were defined just now take a moment to be served. */
async function patiently(action: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await action();
      return;
    } catch (error) {
      if (tries >= 120) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}
