/** What the agents of a hub and of one member take of memory with 10,000 federated objects. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Applied, KubeObject, Resource } from "#ports/kube.ts";
import { type Site, startFederation } from "../../test/journeys/federation.ts";
import type { Figure } from "../figure.ts";
import { residentMiB } from "./costs.ts";
import type { SizeName } from "./size.ts";
import { forEach, namesOf, SPACE } from "./objects.ts";

/** What the goal is about; and what takes a fifth of the time. */
const OBJECTS = { usual: 10_000, full: 10_000, quick: 2000 } as const;
const GOAL_MIB = 200;
const LOOK_MS = 2000;
const PATIENCE_MS = 30 * 60_000;
/** For what is thrown away after the burst. */
const REST_MS = 60_000;

const TYPES = { group: "types.kubefed.io", version: "v1beta1" };
const DEPLOYMENTS: Resource = { group: "apps", version: "v1", plural: "deployments" };

/** Deployments of about 1 KiB, as people write them; there is nobody to make pods of them. */
export async function memoryBench(say: (line: string) => void, size: SizeName): Promise<readonly Figure[]> {
  const objects = OBJECTS[size];
  const federation = await startFederation(2);
  try {
    const [hub, member] = federation.sites as [Site, Site];
    await federation.panopticon("federate", "enable", "deployments.apps");
    const figures = [...memoryOf(hub, member, "nothing federated")];
    say(`federating ${objects} deployments`);
    const resource = { ...TYPES, plural: "federateddeployments" };
    await forEach(namesOf("app", objects), (name) =>
      hub.kube.apply({ resource, namespace: SPACE, name }, deployment(name, member.name)),
    );
    say("waiting until the member has them all");
    const end = performance.now() + PATIENCE_MS;
    while ((await member.kube.list({ resource: DEPLOYMENTS, namespace: SPACE })).items.length < objects) {
      if (performance.now() > end) throw new Error("the member never had them all");
      await sleep(LOOK_MS);
    }
    await sleep(LOOK_MS);
    figures.push(...memoryOf(hub, member, `${objects} deployments, just made`));
    await sleep(REST_MS);
    figures.push(...memoryOf(hub, member, `${objects} deployments, a minute later`));
    for (const site of [hub, member]) {
      await site.killAgent();
      site.startAgent();
    }
    await sleep(REST_MS);
    figures.push(...memoryOf(hub, member, `${objects} deployments, begun anew`));
    return figures;
  } finally {
    await federation.remove();
  }
}

function* memoryOf(hub: Site, member: Site, when: string): Iterable<Figure> {
  for (const [name, site] of [
    ["hub", hub],
    ["member", member],
  ] as const) {
    const value = residentMiB([site.agentProcess() ?? 0])[0] ?? Number.NaN;
    yield { figure: `memory of the ${name}'s agent: ${when}`, value, unit: "MiB", goal: String(GOAL_MIB) };
  }
}

function deployment(name: string, site: string): Applied<KubeObject> {
  const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "bench" };
  const probe = { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 10, failureThreshold: 3 };
  const container = {
    name: "app",
    image: `registry.example.test/team/${name}:1.2.3`,
    args: ["--listen=:8080", "--log-level=info"],
    ports: [{ name: "http", containerPort: 8080 }],
    env: ["LOG_FORMAT", "REGION", "DATABASE_HOST"].map((key) => ({ name: key, value: `value-of-${key}` })),
    resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "128Mi" } },
    readinessProbe: probe,
    livenessProbe: probe,
  };
  const template = {
    metadata: { labels },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
  return {
    apiVersion: "types.kubefed.io/v1beta1",
    kind: "FederatedDeployment",
    metadata: { name, namespace: SPACE },
    spec: { template, placement: { clusters: [{ name: site }] } },
  } as Applied<KubeObject>;
}
