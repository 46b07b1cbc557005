/** Traefik's pods: on different machines of different servers, and ready only when they take requests. */
import type { Deployment } from "kubernetes-types/apps/v1.d.ts";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.d.ts";
import { machinesOf, type SitePlan } from "#plan/plan.ts";
import { traefikArguments } from "./arguments.ts";
import {
  DYNAMIC_CONFIG,
  LABELS,
  NAMESPACE,
  PANELS_SECRET,
  PLUGINS,
  POD,
  pluginConfig,
  pluginModule,
  SELECTOR,
  TRAEFIK,
} from "./names.ts";

/** Nobody. */
const USER = 65_532;

type PodSpec = NonNullable<NonNullable<Deployment["spec"]>["template"]["spec"]>;

/** One on each server that carries workers, and two wherever there are two workers. */
function traefikReplicas(site: SitePlan): number {
  const workers = machinesOf(site, "worker");
  const servers = new Set(workers.map(({ server }) => server));
  return Math.max(1, servers.size, Math.min(2, workers.length));
}

/** `settings` is a digest of what is read only when it starts: where it changes, pods are started anew. */
export function deployment(site: SitePlan, image: string, settings: string): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: TRAEFIK, namespace: NAMESPACE, labels: LABELS },
    spec: {
      replicas: traefikReplicas(site),
      revisionHistoryLimit: 2,
      selector: { matchLabels: SELECTOR },
      // One more would find no machine where each has one already.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
      template: {
        metadata: { labels: LABELS, annotations: { "panopticon.dev/settings": settings } },
        spec: podSpec(site, image),
      },
    },
  };
}

export function disruptionBudget(): PodDisruptionBudget {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: TRAEFIK, namespace: NAMESPACE, labels: LABELS },
    spec: { maxUnavailable: 1, selector: { matchLabels: SELECTOR } },
  };
}

function podSpec(site: SitePlan, image: string): PodSpec {
  return {
    serviceAccountName: TRAEFIK,
    enableServiceLinks: false,
    priorityClassName: "system-cluster-critical",
    // Longer than it lets requests finish.
    terminationGracePeriodSeconds: 60,
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { labelSelector: { matchLabels: SELECTOR }, topologyKey: "kubernetes.io/hostname" },
        ],
      },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        // The server, which dies whole; one that is dead does not count, so that the others may take its share.
        topologyKey: "topology.kubernetes.io/zone",
        whenUnsatisfiable: "DoNotSchedule",
        nodeTaintsPolicy: "Honor",
        labelSelector: { matchLabels: SELECTOR },
        matchLabelKeys: ["pod-template-hash"],
      },
    ],
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      seccompProfile: { type: "RuntimeDefault" },
      // Ports 80 and 443 of the pod alone, so that no capability is needed.
      sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }],
    },
    containers: [container(site, image)],
    volumes: [
      { name: "dynamic", configMap: { name: DYNAMIC_CONFIG } },
      ...PLUGINS.map((plugin) => ({ name: plugin, configMap: { name: pluginConfig(plugin) } })),
      { name: "panels", secret: { secretName: PANELS_SECRET, defaultMode: 0o440 } },
      { name: "tmp", emptyDir: {} },
    ],
  };
}

function container(site: SitePlan, image: string): PodSpec["containers"][number] {
  const health = { httpGet: { path: "/ping", port: "ping" } };
  return {
    name: TRAEFIK,
    image,
    // Nodes have it from us; there is nowhere to fetch it.
    imagePullPolicy: "Never",
    // Plugins are looked for below it.
    workingDir: "/",
    args: [...traefikArguments(site, POD)],
    ports: (["web", "websecure", "metrics", "ping"] as const).map((name) => ({
      name,
      containerPort: POD.ports[name],
    })),
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "512Mi" } },
    env: [{ name: "GOMEMLIMIT", value: "460MiB" }],
    startupProbe: { ...health, periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 120 },
    readinessProbe: { ...health, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 1 },
    livenessProbe: { ...health, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [
      { name: "dynamic", mountPath: POD.dynamic, readOnly: true },
      ...PLUGINS.map((plugin) => ({
        name: plugin,
        mountPath: `/plugins-local/src/${pluginModule(plugin)}`,
        readOnly: true,
      })),
      { name: "panels", mountPath: POD.users.slice(0, POD.users.lastIndexOf("/")), readOnly: true },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}
