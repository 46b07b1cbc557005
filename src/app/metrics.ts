/** A site's metrics: metrics-server with a certificate of its own, in steps. */
import { METRICS_SERVER_IMAGE } from "#components/addons.ts";
import type { SiteContext } from "#converge/phase.ts";
import { DEPLOYMENTS, isAvailable } from "#converge/resources.ts";
import type { Step } from "#converge/step.ts";
import { until } from "#converge/wait.ts";
import type { Kube } from "#ports/kube.ts";
import type { ManifestObject } from "#render/addons/metallb.ts";
import {
  METRICS_HOST,
  METRICS_SECRET,
  METRICS_SERVER,
  metricsServerObjects,
} from "#render/addons/metrics-server.ts";
import { objectsStep, READY_SECONDS } from "./object-steps.ts";
import { certificateStep, presentAuthority, type ServiceCertificate } from "./service-certificate.ts";

const CERTIFICATE: ServiceCertificate = {
  namespace: METRICS_SERVER.namespace,
  secret: METRICS_SECRET,
  host: METRICS_HOST,
  authority: "metrics-server",
  of: "metrics-server",
};

/** @param manifests upstream's own */
export function metricsSteps(
  { site, now }: SiteContext,
  manifests: readonly ManifestObject[],
): readonly Step[] {
  return [
    certificateStep(CERTIFICATE, now),
    objectsStep("run metrics-server", async (_make, kube) => {
      const authority = await presentAuthority(kube, CERTIFICATE);
      if (authority === undefined) return undefined;
      return metricsServerObjects(manifests, site, METRICS_SERVER_IMAGE, authority);
    }),
    {
      what: "see metrics-server ready, with what kubelets measure",
      isDone: metricsReady,
      take: (kube) => until("metrics-server to be ready", READY_SECONDS, () => metricsReady(kube)),
    },
  ];
}

/** It is ready when it has measured at least one node. */
async function metricsReady(kube: Kube): Promise<boolean> {
  const found = await kube.find({ resource: DEPLOYMENTS, ...METRICS_SERVER });
  return found !== undefined && isAvailable(found);
}
