/** The smallest app that shows a cluster works: two replicas behind a ClusterIP, asked from a pod. */
import { expect } from "vitest";
import type { Kubectl } from "./kubectl.ts";

const LABELS = { app: "echo" };
const fieldEnv = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });

const DEPLOYMENT = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "echo" },
  spec: {
    replicas: 2,
    selector: { matchLabels: LABELS },
    template: {
      metadata: { labels: LABELS },
      spec: {
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: "kubernetes.io/hostname",
            whenUnsatisfiable: "DoNotSchedule",
            labelSelector: { matchLabels: LABELS },
          },
        ],
        containers: [
          {
            name: "echo",
            image: "panopticon.test/echo:1",
            imagePullPolicy: "Never",
            env: [fieldEnv("POD_NAME", "metadata.name"), fieldEnv("NODE_NAME", "spec.nodeName")],
            readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
};

const SERVICE = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "echo" },
  spec: { selector: LABELS, ports: [{ port: 80, targetPort: 8080 }] },
};

/**
 * Deploys it and asks it from one of its pods, by address and by name, until
 * every replica has answered; gives the nodes that the answers came from.
 */
export async function echoAnswers(kubectl: Kubectl): Promise<ReadonlySet<string>> {
  const manifest = JSON.stringify({ apiVersion: "v1", kind: "List", items: [DEPLOYMENT, SERVICE] });
  await kubectl(["apply", "-f", "-"], manifest);
  await kubectl(["rollout", "status", "deployment/echo", "--timeout=180s"]);
  const address = await kubectl(["get", "service", "echo", "-o", "jsonpath={.spec.clusterIP}"]);
  const ask = (url: string) => kubectl(["exec", "deployment/echo", "--", "/echo", "get", url]);
  // A rollout has ended before every kube-proxy has heard of the service; from its first answer on each must come.
  await expect.poll(() => ask(`http://${address}/`).catch(() => ""), { timeout: 20_000 }).not.toBe("");
  const nodes = new Set<string>();
  for (let request = 0; request < 60 && nodes.size < 2; request++) {
    const url = request % 2 === 0 ? `http://${address}/` : "http://echo.default.svc.cluster.local/";
    const answer = await ask(url);
    expect(answer).toMatch(/^pod=echo-\S+ node=\S+ /);
    nodes.add(/node=(\S+)/.exec(answer)?.[1] ?? "");
  }
  return nodes;
}
