/**
 * metrics-server at a site: its own manifests, changed where a site of ours
 * differs. It believes a kubelet only by the cluster's certificate, and the API
 * believes it only by a certificate of its own.
 */
import type { Deployment } from "kubernetes-types/apps/v1.d.ts";
import { machinesOf, type SitePlan } from "#plan/plan.ts";
import type { ManifestObject } from "./metallb.ts";

/** The manifests' own names. */
export const METRICS_SERVER = { namespace: "kube-system", name: "metrics-server" } as const;
export const METRICS_SECRET = "metrics-server-certificate";
/** The names that the API asks it by. */
export const METRICS_HOST = `${METRICS_SERVER.name}.${METRICS_SERVER.namespace}.svc`;

/** As upstream's kustomization puts it on everything, selectors included. */
const LABEL = { "k8s-app": "metrics-server" } as const;
const CERTIFICATE = "/certificate";
const AUTHORITY = "/authority";
/** kubelet measures each 10 s, and the program asks for at least 10 s itself. */
const RESOLUTION_SECONDS = 15;

/**
 * @param authority PEM in base64: who signs the certificate that it serves with
 * @returns the manifests' objects as a site gets them, and a disruption budget
 */
export function metricsServerObjects(
  manifests: readonly ManifestObject[],
  site: SitePlan,
  image: string,
  authority: string,
): readonly ManifestObject[] {
  const replicas = Math.min(2, machinesOf(site, "worker").length);
  const changed = manifests.map((object) => {
    const labelled = withLabel(object);
    if (object.kind === "Deployment") return deployment(labelled, image, replicas);
    if (object.kind === "Service") return withSpec(labelled, { selector: LABEL });
    if (object.kind !== "APIService") return labelled;
    const { insecureSkipTLSVerify: _, ...spec } = labelled["spec"] as Record<string, unknown>;
    return { ...labelled, spec: { ...spec, caBundle: authority } };
  });
  return [...changed, disruptionBudget()];
}

function withLabel(object: ManifestObject): ManifestObject {
  const { metadata } = object;
  const before = (metadata as { readonly labels?: object } | undefined)?.labels;
  return { ...object, metadata: { ...metadata, labels: { ...before, ...LABEL } } } as ManifestObject;
}

function withSpec(object: ManifestObject, more: object): ManifestObject {
  return { ...object, spec: { ...(object["spec"] as object), ...more } };
}

/** Two of them on different machines; where the node of one dies the other answers meanwhile. */
function deployment(object: ManifestObject, image: string, replicas: number): ManifestObject {
  const spec = object["spec"] as NonNullable<Deployment["spec"]>;
  const podSpec = spec.template.spec ?? { containers: [] };
  const volumes = [
    ...(podSpec.volumes ?? []),
    { name: "certificate", secret: { secretName: METRICS_SECRET, defaultMode: 0o440 } },
    // What every namespace is given: who signs for the API and, here, for kubelets.
    { name: "authority", configMap: { name: "kube-root-ca.crt" } },
  ];
  return withSpec(object, {
    replicas,
    revisionHistoryLimit: 2,
    selector: { matchLabels: LABEL },
    // With one machine for each there is no room for one more.
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
    template: {
      ...spec.template,
      metadata: { ...spec.template.metadata, labels: LABEL },
      spec: {
        ...podSpec,
        securityContext: { fsGroup: 1000 },
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { labelSelector: { matchLabels: LABEL }, topologyKey: "kubernetes.io/hostname" },
            ],
          },
        },
        containers: podSpec.containers.map((container) => metricsContainer(container, image)),
        volumes,
      },
    },
  });
}

type Container = NonNullable<NonNullable<Deployment["spec"]>["template"]["spec"]>["containers"][number];

function metricsContainer(
  { readinessProbe, livenessProbe, ...container }: Container,
  image: string,
): Container {
  const kept = container.args?.filter((argument) => !/^--(cert-dir|metric-resolution)=/.test(argument));
  return {
    ...container,
    image,
    // Nodes have it from us; there is nowhere to fetch it.
    imagePullPolicy: "Never",
    args: [
      ...(kept ?? []),
      `--metric-resolution=${RESOLUTION_SECONDS}s`,
      `--tls-cert-file=${CERTIFICATE}/tls.crt`,
      `--tls-private-key-file=${CERTIFICATE}/tls.key`,
      `--kubelet-certificate-authority=${AUTHORITY}/ca.crt`,
    ],
    resources: { requests: { cpu: "50m", memory: "64Mi" } },
    // Ready once it has measured, which upstream does not look for before 20 s are over.
    readinessProbe: { ...readinessProbe, initialDelaySeconds: 1, periodSeconds: 3, timeoutSeconds: 5 },
    livenessProbe: { ...livenessProbe, timeoutSeconds: 10, failureThreshold: 6 },
    volumeMounts: [
      ...(container.volumeMounts ?? []),
      { name: "certificate", mountPath: CERTIFICATE, readOnly: true },
      { name: "authority", mountPath: AUTHORITY, readOnly: true },
    ],
  };
}

function disruptionBudget(): ManifestObject {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { ...METRICS_SERVER, labels: LABEL } as ManifestObject["metadata"] & object,
    spec: { maxUnavailable: 1, selector: { matchLabels: LABEL } },
  };
}
