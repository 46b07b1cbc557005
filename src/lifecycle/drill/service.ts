/** The test service that is watched from outside: one pod per worker, entered at each worker alone. */
import type { DaemonSet } from "kubernetes-types/apps/v1.d.ts";
import type { Service } from "kubernetes-types/core/v1.d.ts";
import { DAEMON_SETS } from "#converge/resources.ts";
import { waitFor } from "#converge/wait.ts";
import { machinesOf, type SitePlan } from "#plan/plan.ts";
import type { Forward } from "#ports/faults.ts";
import type { Applied, Kube, Resource } from "#ports/kube.ts";

const NAME = "panopticon-drill";
const NAMESPACE = "default";
const LABELS = { app: NAME };
const NODE_PORT = 32_080;
/** The router's port for the first worker; the next ones follow. */
const FIRST_PORT = 18_080;
const READY_SECONDS = 120;
const SERVICES: Resource<Service> = { group: "", version: "v1", plural: "services" };

const DAEMON_SET: Applied<DaemonSet> = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: NAME, namespace: NAMESPACE },
  spec: {
    selector: { matchLabels: LABELS },
    template: {
      metadata: { labels: LABELS },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "echo",
            image: "panopticon.test/echo:1",
            imagePullPolicy: "Never",
            readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
};

const SERVICE: Applied<Service> = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: NAME, namespace: NAMESPACE },
  spec: {
    type: "NodePort",
    // A request is answered on the worker it came to: the entrances are independent of each other.
    externalTrafficPolicy: "Local",
    selector: LABELS,
    ports: [{ port: 80, targetPort: 8080, nodePort: NODE_PORT }],
  },
};

/** The way in from outside: for each external address one port of the router per worker. */
export function entrances(site: SitePlan): readonly Forward[] {
  return site.network.external.flatMap((external) =>
    machinesOf(site, "worker").map(({ address }, index) => ({
      external,
      port: FIRST_PORT + index,
      address,
      toPort: NODE_PORT,
    })),
  );
}

/** Starts the service and waits for a pod on every worker. */
export async function deployService(kube: Kube, site: SitePlan): Promise<void> {
  const workers = machinesOf(site, "worker").length;
  await kube.apply({ resource: DAEMON_SETS, namespace: NAMESPACE, name: NAME }, DAEMON_SET);
  await kube.apply({ resource: SERVICES, namespace: NAMESPACE, name: NAME }, SERVICE);
  await waitFor(`the test service on every worker of ${site.name}`, READY_SECONDS, async () => {
    const found = await kube.find({ resource: DAEMON_SETS, namespace: NAMESPACE, name: NAME });
    return found?.status?.numberReady === workers ? true : undefined;
  });
}

/** Takes it away again; absent is fine. */
export async function removeService(kube: Kube): Promise<void> {
  await kube.delete({ resource: SERVICES, namespace: NAMESPACE, name: NAME });
  await kube.delete(
    { resource: DAEMON_SETS, namespace: NAMESPACE, name: NAME },
    { propagation: "Background" },
  );
}
