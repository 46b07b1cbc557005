/**
 * A site's agent as Kubernetes objects: two replicas on two nodes, of which one
 * works and the other waits. They write no file, need no right of their pod's
 * account, and speak to API servers alone.
 */
import type { Deployment } from "kubernetes-types/apps/v1.d.ts";
import type { Secret } from "kubernetes-types/core/v1.d.ts";
import type { NetworkPolicy } from "kubernetes-types/networking/v1.d.ts";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.d.ts";
import { sha256 } from "#base/hash.ts";
import type { SitePlan } from "#plan/plan.ts";

export const AGENT_NAME = "panopticon-agent";
const REPLICAS = 2;

/** One works and one waits; a site with a single node has room for one. */
export function agentReplicas(site: SitePlan): number {
  const nodes = site.machines.filter(({ role }) => role !== "ecam");
  return Math.min(REPLICAS, nodes.length);
}

export interface AgentInput {
  readonly namespace: string;
  /** Its name is also the context of its own API in the kubeconfig. */
  readonly site: SitePlan;
  readonly image: string;
  /** One context per site, the current one the hub to ask first. A secret. */
  readonly kubeconfig: string;
  /** URLs by which other sites reach this site's API. */
  readonly endpoints: readonly string[];
  /** TCP ports of all API servers it speaks to. */
  readonly apiPorts: readonly number[];
}

const LABELS = { "app.kubernetes.io/name": AGENT_NAME, "app.kubernetes.io/part-of": "panopticon" };
const SELECTOR = { matchLabels: { "app.kubernetes.io/name": AGENT_NAME } };
const SECRET = AGENT_NAME;
const FOLDER = "/etc/panopticon";
const PORT = 8480;
/** The image's own; nobody. */
const USER = 65_532;

export function agentObjects(
  input: AgentInput,
): readonly [Secret, NetworkPolicy, PodDisruptionBudget, Deployment] {
  return [secret(input), networkPolicy(input), disruptionBudget(input), deployment(input)];
}

function secret({ namespace, kubeconfig }: AgentInput): Secret {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: SECRET, namespace, labels: LABELS },
    type: "Opaque",
    data: { kubeconfig: Buffer.from(kubeconfig).toString("base64") },
  };
}

/** Nobody but its kubelet, which no policy holds back, asks it anything; it asks API servers by their addresses. */
function networkPolicy({ namespace, apiPorts }: AgentInput): NetworkPolicy {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: AGENT_NAME, namespace, labels: LABELS },
    spec: {
      podSelector: SELECTOR,
      policyTypes: ["Egress", "Ingress"],
      egress: [{ ports: apiPorts.map((port) => ({ protocol: "TCP", port })) }],
    },
  };
}

function disruptionBudget({ namespace }: AgentInput): PodDisruptionBudget {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: AGENT_NAME, namespace, labels: LABELS },
    spec: { maxUnavailable: 1, selector: SELECTOR },
  };
}

function deployment(input: AgentInput): Deployment {
  const { namespace, kubeconfig, site } = input;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: AGENT_NAME, namespace, labels: LABELS },
    spec: {
      replicas: agentReplicas(site),
      revisionHistoryLimit: 2,
      selector: SELECTOR,
      // A third replica would find no node where only two are left.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
      template: {
        metadata: {
          labels: LABELS,
          // It reads its credentials when it starts: new ones start it anew.
          annotations: { "panopticon.dev/kubeconfig": sha256(kubeconfig).slice(0, 16) },
        },
        spec: podSpec(input),
      },
    },
  };
}

/** A node that is silent for a moment need not lose its agent: the other one takes over by itself. */
const SILENCE_SECONDS = 30;

/** It lives as long as any node does. */
const TOLERATIONS = [
  { key: "node-role.kubernetes.io/control-plane", operator: "Exists", effect: "NoSchedule" },
  ...["not-ready", "unreachable"].map((state) => ({
    key: `node.kubernetes.io/${state}`,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: SILENCE_SECONDS,
  })),
];

type PodSpec = NonNullable<NonNullable<Deployment["spec"]>["template"]["spec"]>;

function podSpec(input: AgentInput): PodSpec {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    priorityClassName: "system-cluster-critical",
    terminationGracePeriodSeconds: 15,
    tolerations: TOLERATIONS,
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { labelSelector: SELECTOR, topologyKey: "kubernetes.io/hostname" },
        ],
      },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        // The server, which dies whole.
        topologyKey: "topology.kubernetes.io/zone",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: SELECTOR,
      },
    ],
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [container(input)],
    volumes: [{ name: "credentials", secret: { secretName: SECRET, defaultMode: 0o440 } }],
  };
}

function container({ site, image, endpoints }: AgentInput): PodSpec["containers"][number] {
  const file = `${FOLDER}/kubeconfig`;
  const health = { httpGet: { path: "/healthz", port: PORT } };
  return {
    name: "agent",
    image,
    // Nodes have it from us; there is nowhere to fetch it.
    imagePullPolicy: "Never",
    args: [
      ["agent", "run", "--site", site.name, "--kubeconfig", file, "--context", site.name],
      ["--hub-kubeconfig", file, ...endpoints.flatMap((endpoint) => ["--endpoint", endpoint])],
      ["--listen", "$(POD_IP)", "--port", String(PORT), "--no-install"],
    ].flat(),
    env: [
      { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      // Below the limit, so that garbage is collected before the kernel kills.
      { name: "NODE_OPTIONS", value: "--max-old-space-size=384" },
    ],
    ports: [{ name: "metrics", containerPort: PORT }],
    resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "512Mi" } },
    // Being slow on a busy node is no reason to begin anew, which is slower still.
    startupProbe: { ...health, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 600 },
    readinessProbe: { ...health, periodSeconds: 5, timeoutSeconds: 5 },
    livenessProbe: { ...health, periodSeconds: 10, timeoutSeconds: 10, failureThreshold: 12 },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [{ name: "credentials", mountPath: FOLDER, readOnly: true }],
  };
}
