/** A site's ingress: Traefik with the keys of its front door, in steps. */
import type { Service } from "kubernetes-types/core/v1.d.ts";
import { TRAEFIK_IMAGE } from "#components/addons.ts";
import { pluginSources } from "#converge/front.ts";
import type { SiteContext } from "#converge/phase.ts";
import { ensurePanelCredential, presentPanelCredential } from "#converge/pki/edge.ts";
import { DEPLOYMENTS, isAvailable } from "#converge/resources.ts";
import type { Step } from "#converge/step.ts";
import { until } from "#converge/wait.ts";
import type { Kube, Resource } from "#ports/kube.ts";
import type { ManifestObject } from "#render/addons/metallb.ts";
import { ingressAddress } from "#render/router/forwards.ts";
import { CERTIFICATE_SECRET, NAMESPACE, TRAEFIK } from "#render/traefik/names.ts";
import { traefikObjects } from "#render/traefik/objects.ts";
import { servedCertificate } from "./edge-certificate.ts";
import { edgeFolder } from "./edge-folder.ts";
import { objectsStep, READY_SECONDS } from "./object-steps.ts";

const SERVICES: Resource<Service> = { group: "", version: "v1", plural: "services" };

/** @param definitions of Traefik's own resources and of the Gateway API's */
export function ingressSteps(context: SiteContext, definitions: readonly ManifestObject[]): readonly Step[] {
  const { site } = context;
  const address = ingressAddress(site);
  const ready = (kube: Kube) => isServing(kube, address);
  return [
    objectsStep("install what Traefik reads", async () => definitions),
    objectsStep("make room for Traefik", async (make) => (await objects(context, make))?.slice(0, 1)),
    objectsStep("run Traefik, with the site's certificate", async (make) =>
      (await objects(context, make))?.slice(1),
    ),
    {
      what: `see Traefik ready at ${address}`,
      isDone: ready,
      take: (kube) => until(`Traefik to be ready at ${address}`, READY_SECONDS, () => ready(kube)),
    },
  ];
}

/** Undefined where keys lack and none may be made. */
async function objects(
  { plan, site, now }: SiteContext,
  make: boolean,
): Promise<readonly ManifestObject[] | undefined> {
  const folder = edgeFolder(plan);
  const certificate = await servedCertificate(plan, site, now(), make);
  const credential = await (make ? ensurePanelCredential : presentPanelCredential)(folder);
  if (!certificate || !credential) return undefined;
  const keys = { certificate, panelUsers: credential.line, plugins: await pluginSources() };
  return traefikObjects({ plan, site, image: TRAEFIK_IMAGE, ...keys }) as readonly ManifestObject[];
}

/** The object with the site's certificate, which Traefik takes over when it changes; undefined where there is none and none may be made. */
export async function certificateObject(
  context: SiteContext,
  make: boolean,
): Promise<ManifestObject | undefined> {
  const all = await objects(context, make);
  return all?.find(({ kind, metadata }) => kind === "Secret" && metadata?.name === CERTIFICATE_SECRET);
}

/** All its pods, and its Service at the site's address. */
async function isServing(kube: Kube, address: string): Promise<boolean> {
  const at = { namespace: NAMESPACE, name: TRAEFIK };
  const deployment = await kube.find({ resource: DEPLOYMENTS, ...at });
  const service = await kube.find({ resource: SERVICES, ...at });
  const addresses = service?.status?.loadBalancer?.ingress?.map(({ ip }) => ip) ?? [];
  return deployment !== undefined && isAvailable(deployment) && addresses.includes(address);
}
