/** What runs in every site's cluster beside the agent: from manifests and the plan to the steps that convergence takes. */
import type { SiteAddOns } from "#converge/add-ons.ts";
import type { SiteContext } from "#converge/phase.ts";
import { DAEMON_SETS, DEPLOYMENTS, isAvailable, runsEverywhere } from "#converge/resources.ts";
import type { Step } from "#converge/step.ts";
import { until } from "#converge/wait.ts";
import type { Kube } from "#ports/kube.ts";
import { labVolumes } from "#render/addons/lab-volumes.ts";
import {
  type ManifestObject,
  METALLB_CONTROLLER,
  METALLB_NAMESPACE,
  METALLB_SPEAKER,
  METALLB_WEBHOOK,
  metallbObjects,
  metallbPools,
} from "#render/addons/metallb.ts";
import { watchdogObjects } from "#render/addons/watchdog.ts";
import { readText } from "./files.ts";
import { NAMESPACE } from "#render/traefik/names.ts";
import { ingressSteps } from "./ingress.ts";
import { metricsSteps } from "./metrics.ts";
import { objectsIn } from "./object-files.ts";
import { objectsStep, READY_SECONDS } from "./object-steps.ts";
import { certificateStep, type ServiceCertificate } from "./service-certificate.ts";

/** Upstream's objects, by the name of their file without `.yaml`. */
export type Manifests = Readonly<Record<string, readonly ManifestObject[]>>;

/** Reads the manifests that components carry. */
export async function readManifests(paths: Readonly<Record<string, string>>): Promise<Manifests> {
  const read = Object.entries(paths).map(async ([file, path]) => {
    const objects = objectsIn(file, await readText(path, "Get the components again."));
    return [file.replace(/\.yaml$/, ""), objects as unknown as readonly ManifestObject[]] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

/** The add-ons of a site; `manifests` is empty in a dry run before anything was made. */
export function siteAddOns(context: SiteContext, manifests: Manifests): SiteAddOns {
  const definitions = Object.entries(manifests).flatMap(([name, objects]) =>
    name === "traefik-crds" || name.startsWith("gateway-") ? objects : [],
  );
  return {
    rights: [
      objectsStep("let the ECAMs exclude dead workers and approve kubelets, and nothing else", async () =>
        watchdogObjects(),
      ),
    ],
    loadBalancer: loadBalancer(context, manifests["metallb"] ?? []),
    ingress: ingressSteps(context, definitions),
    // On servers storage is not ours yet: a folder of one worker would pass for it.
    volumes:
      context.platform.name === "lab"
        ? [objectsStep("offer folders of the workers as volumes", async () => labVolumes(context.site))]
        : [],
    metrics: metricsSteps(
      context,
      Object.entries(manifests).flatMap(([name, objects]) =>
        name.startsWith("metrics-server-") ? objects : [],
      ),
    ),
  };
}

/**
 * Left to itself MetalLB makes it too, but then waits a minute or more until its
 * kubelet shows it the Secret that it has just written. It renews what we made.
 */
const WEBHOOK: ServiceCertificate = {
  namespace: METALLB_NAMESPACE,
  secret: METALLB_WEBHOOK.secret,
  host: `${METALLB_WEBHOOK.service}.${METALLB_NAMESPACE}.svc`,
  authority: "metallb-webhook",
  of: "MetalLB's webhook",
};

function loadBalancer({ site, now }: SiteContext, manifest: readonly ManifestObject[]): readonly Step[] {
  const objects = metallbObjects(manifest);
  const { first, last } = site.network.ingress;
  return [
    objectsStep("install MetalLB's definitions", async () => objects.filter(isDefinition)),
    certificateStep(WEBHOOK, now),
    objectsStep("run MetalLB", async () => objects.filter((object) => !isDefinition(object))),
    {
      what: "see MetalLB ready on every worker",
      isDone: metallbReady,
      take: (kube) => until("MetalLB to be ready", READY_SECONDS, () => metallbReady(kube)),
    },
    objectsStep(`give it the addresses ${first} to ${last}`, async () => metallbPools(site, NAMESPACE)),
  ];
}

/** What others stand on: definitions of resources, and namespaces. */
function isDefinition({ kind }: ManifestObject): boolean {
  return kind === "CustomResourceDefinition" || kind === "Namespace";
}

async function metallbReady(kube: Kube): Promise<boolean> {
  const namespace = METALLB_NAMESPACE;
  const controller = await kube.find({ resource: DEPLOYMENTS, namespace, name: METALLB_CONTROLLER });
  const speaker = await kube.find({ resource: DAEMON_SETS, namespace, name: METALLB_SPEAKER });
  return controller !== undefined && isAvailable(controller) && runsEverywhere(speaker);
}
