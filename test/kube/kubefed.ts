/**
 * The real kubefed v0.10.0 over bare planes: its webhook and its
 * controller-manager as processes beside the first plane, which is its host and
 * no member; the others are joined by its own command. Its settings are those
 * that its chart ships.
 *
 *     const kubefed = await startKubefed(hub, [one, two], ["namespaces", "configmaps"]);
 *     await kubefed.remove();                // before the planes are
 */
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseAllDocuments } from "yaml";
import { mustRun } from "#base/process.ts";
import type { Applied, Kube, KubeObject, Resource } from "#ports/kube.ts";
import type { Plane } from "./plane.ts";
import { freePorts } from "./ports.ts";
import { planeProcess, type PlaneProcess } from "./process.ts";
import { componentFolder } from "./programs.ts";

const SYSTEM = "kube-federation-system";
const GROUP = "core.kubefed.io";
const SECONDS = 120;
/** controller-runtime's metrics port, which the webhook's command can't change. */
const WEBHOOK_METRICS_PORT = 8080;

export interface Kubefed {
  readonly controllerManager: PlaneProcess;
  readonly webhook: PlaneProcess;
  /** Ends its processes; the planes stay. */
  remove(): Promise<void>;
}

/** @param types as `kubefedctl enable` takes them */
export async function startKubefed(
  hub: Plane,
  members: readonly Plane[],
  types: readonly string[],
): Promise<Kubefed> {
  const folder = await componentFolder("kubefed");
  const program = join(folder, "hyperfed");
  const kube = hub.open();
  const [webhookPort = 0, healthPort = 0, metricsPort = 0] = await freePorts(3);
  const webhook = webhookProcess(hub, program, webhookPort);
  const controllerManager = planeProcess({
    name: "kubefed's controller-manager",
    log: join(hub.dir, "kubefed.log"),
    seconds: SECONDS,
    argv: [
      program,
      "controller-manager",
      `--kubeconfig=${hub.kubeconfig}`,
      `--kubefed-namespace=${SYSTEM}`,
      `--healthz-addr=127.0.0.1:${healthPort}`,
      `--metrics-addr=127.0.0.1:${metricsPort}`,
    ],
    ready: () => answers(`http://127.0.0.1:${healthPort}/healthz`),
  });
  const remove = async (): Promise<void> => {
    await Promise.all([controllerManager.kill(), webhook.kill()]);
  };
  try {
    await install(kube, join(folder, "crds.yaml"));
    await webhook.start();
    await applyAll(kube, webhookConfigurations(webhookPort, hub.authority));
    await patiently("its settings are taken", () => applyAll(kube, [settings()]));
    await controllerManager.start();
    const files = [hub, ...members].map(({ kubeconfig }) => kubeconfig).join(":");
    const kubefedctl = (...argv: readonly string[]) =>
      mustRun("TEST_KUBEFED", ["env", `KUBECONFIG=${files}`, program, "kubefedctl", ...argv]);
    for (const { name } of members) await kubefedctl("join", name, `--host-cluster-context=${hub.name}`);
    for (const type of types) await kubefedctl("enable", type, `--host-cluster-context=${hub.name}`);
    await patiently("its members are ready", () => areReady(kube, members.length));
  } catch (error) {
    const said = readFileSync(controllerManager.log, { encoding: "utf8", flag: "a+" }).slice(-2000);
    await remove();
    throw new Error(`kubefed did not start: ${(error as Error).message}\n${said}`, { cause: error });
  }
  return { controllerManager, webhook, remove };
}

function webhookProcess(hub: Plane, program: string, port: number): PlaneProcess {
  const certificates = join(hub.dir, "kubefed-webhook");
  mkdirSync(certificates);
  copyFileSync(join(hub.dir, "server.crt"), join(certificates, "tls.crt"));
  copyFileSync(join(hub.dir, "server.key"), join(certificates, "tls.key"));
  return planeProcess({
    name: `kubefed's webhook (which also needs port ${WEBHOOK_METRICS_PORT})`,
    log: join(hub.dir, "kubefed-webhook.log"),
    seconds: SECONDS,
    argv: [
      program,
      "webhook",
      `--kubeconfig=${hub.kubeconfig}`,
      `--cert-dir=${certificates}`,
      `--secure-port=${port}`,
    ],
    ready: () => answers(`http://127.0.0.1:${WEBHOOK_METRICS_PORT}/metrics`),
  });
}

async function install(kube: Kube, crds: string): Promise<void> {
  const objects = parseAllDocuments(readFileSync(crds, "utf8")).map((one) => one.toJS() as KubeObject | null);
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: SYSTEM } };
  await applyAll(kube, [...objects.filter((one) => one !== null), namespace]);
}

const RESOURCES: Readonly<Record<string, Resource>> = {
  Namespace: { group: "", version: "v1", plural: "namespaces" },
  CustomResourceDefinition: {
    group: "apiextensions.k8s.io",
    version: "v1",
    plural: "customresourcedefinitions",
  },
  ValidatingWebhookConfiguration: {
    group: "admissionregistration.k8s.io",
    version: "v1",
    plural: "validatingwebhookconfigurations",
  },
  MutatingWebhookConfiguration: {
    group: "admissionregistration.k8s.io",
    version: "v1",
    plural: "mutatingwebhookconfigurations",
  },
  KubeFedConfig: { group: GROUP, version: "v1beta1", plural: "kubefedconfigs" },
};

async function applyAll(kube: Kube, objects: readonly KubeObject[]): Promise<void> {
  for (const object of objects) {
    const { kind = "", metadata } = object;
    const resource = RESOURCES[kind];
    if (!resource) throw new Error(`kubefed brings a ${kind}, which nothing here knows`);
    const { name = "", namespace } = metadata ?? {};
    const ref = { resource, name, ...(namespace !== undefined && { namespace }) };
    await kube.apply(ref, object as Applied<KubeObject>);
  }
}

function settings(): KubeObject {
  const spec = {
    scope: "Cluster",
    controllerDuration: { availableDelay: "20s", unavailableDelay: "60s", cacheSyncTimeout: "5m" },
    leaderElect: {
      leaseDuration: "15s",
      renewDeadline: "10s",
      retryPeriod: "5s",
      resourceLock: "configmaps",
    },
    clusterHealthCheck: { period: "10s", failureThreshold: 3, successThreshold: 1, timeout: "3s" },
    syncController: { maxConcurrentReconciles: 1, adoptResources: "Enabled" },
    statusController: { maxConcurrentReconciles: 1 },
  };
  const metadata = { name: "kubefed", namespace: SYSTEM };
  return { apiVersion: `${GROUP}/v1beta1`, kind: "KubeFedConfig", metadata, spec } as KubeObject;
}

function webhookConfigurations(port: number, authority: string): readonly KubeObject[] {
  const hook = (path: string, operations: readonly string[], ...resources: readonly string[]) => ({
    name: `${resources[0]}.${GROUP}`,
    admissionReviewVersions: ["v1"],
    clientConfig: {
      url: `https://127.0.0.1:${port}/${path}`,
      caBundle: Buffer.from(authority).toString("base64"),
    },
    rules: [{ operations, apiGroups: [GROUP], apiVersions: ["v1beta1"], resources }],
    failurePolicy: "Fail",
    sideEffects: "None",
  });
  const written = ["CREATE", "UPDATE"];
  const configuration = (kind: string, name: string, webhooks: readonly object[]) =>
    ({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind,
      metadata: { name: `${name}.${GROUP}` },
      webhooks,
    }) as KubeObject;
  return [
    configuration("ValidatingWebhookConfiguration", "validations", [
      hook("validate-federatedtypeconfigs", written, "federatedtypeconfigs", "federatedtypeconfigs/status"),
      hook("validate-kubefedcluster", written, "kubefedclusters", "kubefedclusters/status"),
      hook("validate-kubefedconfig", written, "kubefedconfigs"),
    ]),
    configuration("MutatingWebhookConfiguration", "mutation", [
      hook("default-kubefedconfig", ["CREATE"], "kubefedconfigs"),
    ]),
  ];
}

type Cluster = KubeObject & {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
};

async function areReady(kube: Kube, count: number): Promise<void> {
  const resource: Resource<Cluster> = { group: GROUP, version: "v1beta1", plural: "kubefedclusters" };
  const { items } = await kube.list({ resource, namespace: SYSTEM });
  const ready = items.filter(({ status }) =>
    status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
  );
  if (ready.length < count) throw new Error(`${ready.length} of ${count} members are ready`);
}

async function patiently(what: string, action: () => Promise<void>): Promise<void> {
  const end = performance.now() + SECONDS * 1000;
  for (;;) {
    try {
      return await action();
    } catch (cause) {
      if (performance.now() > end)
        throw new Error(`waited in vain until ${what}: ${(cause as Error).message}`, { cause });
      await sleep(200);
    }
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}
