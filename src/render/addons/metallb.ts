/**
 * MetalLB at a site: its own manifest, changed where a site of ours differs, and
 * what it may give away. L2 mode without FRR: the LAN's router needs to know
 * nothing of it.
 */
import type { Deployment } from "kubernetes-types/apps/v1.d.ts";
import { formatAddress, toAddress } from "#base/ipv4.ts";
import type { SitePlan } from "#plan/plan.ts";
import { ingressAddress } from "../router/forwards.ts";

export const METALLB_NAMESPACE = "metallb-system";
/** The manifest's own names. */
export const METALLB_CONTROLLER = "controller";
export const METALLB_SPEAKER = "speaker";
export const METALLB_WEBHOOK = {
  secret: "metallb-webhook-cert",
  service: "metallb-webhook-service",
} as const;
const POOL = "site";
const INGRESS_POOL = "ingress";

/** An object as a manifest has it. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/** The manifest's objects as a site gets them. */
export function metallbObjects(manifest: readonly ManifestObject[]): readonly ManifestObject[] {
  return manifest.map((object) => {
    const { kind, metadata } = object;
    if (kind === "DaemonSet" && metadata?.name === METALLB_SPEAKER) return speaker(object);
    if (kind === "Deployment" && metadata?.name === METALLB_CONTROLLER) return controller(object);
    return object;
  }) as readonly ManifestObject[];
}

/**
 * Not on control planes: they carry no ingress, and a node that announces
 * addresses without serving them only delays who takes over.
 */
function speaker(daemonSet: ManifestObject): ManifestObject {
  return withPodSpec(daemonSet, (spec) => ({ ...patient(spec), tolerations: [] }));
}

/** It hands out addresses and is seldom needed: where its node dies, it is to be back before a minute is over. */
function controller(deployment: ManifestObject): ManifestObject {
  const tolerations = ["not-ready", "unreachable"].map((state) => ({
    key: `node.kubernetes.io/${state}`,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: 10,
  }));
  return withPodSpec(deployment, (spec) => ({ ...patient(spec), tolerations }));
}

/** Ready as soon as it answers; killed only where it is silent for long, not because its node boots or is busy. */
function patient(spec: PodSpec): PodSpec {
  return {
    ...spec,
    containers: spec.containers.map(({ livenessProbe, readinessProbe, ...container }) => ({
      ...container,
      livenessProbe: { ...livenessProbe, timeoutSeconds: 10, failureThreshold: 6 },
      readinessProbe: { ...readinessProbe, initialDelaySeconds: 1, periodSeconds: 2, timeoutSeconds: 5 },
    })),
  };
}

type PodSpec = NonNullable<NonNullable<Deployment["spec"]>["template"]["spec"]>;

function withPodSpec(workload: ManifestObject, change: (spec: PodSpec) => PodSpec): ManifestObject {
  const spec = workload["spec"] as NonNullable<Deployment["spec"]>;
  const podSpec = spec.template.spec ?? { containers: [] };
  const template = { ...spec.template, spec: change(podSpec) };
  return { ...workload, spec: { ...spec, template } };
}

/**
 * The site's ingress range, announced in its LAN. Its first address is kept for
 * the ingress alone: whatever else asks for an address gets one of the others.
 */
export function metallbPools(site: SitePlan, ingressNamespace: string): readonly ManifestObject[] {
  const { first, last } = site.network.ingress;
  const door = ingressAddress(site);
  const next = formatAddress(toAddress(first) + 1);
  const kept = { autoAssign: false, serviceAllocation: { namespaces: [ingressNamespace] } };
  return [
    pool(INGRESS_POOL, { addresses: [`${door}/32`], ...kept }),
    ...(first === last ? [] : [pool(POOL, { addresses: [`${next}-${last}`] })]),
    {
      ...metallbObject("L2Advertisement", POOL),
      spec: { ipAddressPools: first === last ? [INGRESS_POOL] : [INGRESS_POOL, POOL] },
    },
  ];
}

function pool(name: string, spec: object): ManifestObject {
  return { ...metallbObject("IPAddressPool", name), spec };
}

function metallbObject(kind: string, name: string): ManifestObject {
  return { apiVersion: "metallb.io/v1beta1", kind, metadata: { name, namespace: METALLB_NAMESPACE } };
}
