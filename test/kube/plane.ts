/**
 * Real bare control planes for journeys: etcd and an API server on loopback,
 * and a controller-manager with the few controllers that a cluster without
 * nodes needs. Each program can be killed, frozen and started again; whatever
 * ends the test ends them.
 *
 *     const [hub, one, two] = await startPlanes(3);
 *     const kube = hub.open();               // as the cluster's administrator
 *     await hub.apiServer.kill();            // SIGKILL
 *     await hub.apiServer.start();           // ready again, same address, same data
 *     await Promise.all([hub, one, two].map((plane) => plane.remove()));
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { mustRun } from "#base/process.ts";
import { kubeconfigEntries } from "#converge/pki/kubeconfig.ts";
import { clientCertificate, type KeyedCertificate } from "#converge/pki/x509.ts";
import { openKube } from "#drivers/kube/client.ts";
import type { KubeSettings } from "#drivers/kube/transport.ts";
import type { Kube } from "#ports/kube.ts";
import { makeCertificates, type PlaneCertificates } from "./certificates.ts";
import { freePorts } from "./ports.ts";
import { planeProcess, type PlaneProcess } from "./process.ts";
import { type PlanePrograms, planePrograms } from "./programs.ts";

export interface PlaneOptions {
  /** Shown in errors, and the context's name in its kubeconfig; `plane` by default. */
  readonly name?: string;
  /** Starts the controller-manager too: namespaces are then really deleted and owners' objects collected. Default true. */
  readonly controllers?: boolean;
  /** More arguments of the API server, such as `--watch-cache=false`. */
  readonly apiServerArguments?: readonly string[];
  /** False: etcd does not wait for the disk, for what has nothing to do with it. */
  readonly durable?: boolean;
}

export interface Plane {
  readonly name: string;
  /** Its temporary folder: data, keys and each program's log. */
  readonly dir: string;
  /** Such as `https://127.0.0.1:20123`. */
  readonly server: string;
  /** PEM of the authority that signed the server's certificate and may sign clients'. */
  readonly authority: string;
  /** A kubeconfig of the administrator, for kubectl and commands that take one. */
  readonly kubeconfig: string;
  readonly etcd: PlaneProcess;
  readonly apiServer: PlaneProcess;
  /** Undefined where it was not asked for. */
  readonly controllerManager: PlaneProcess | undefined;
  /** What opens a client as the administrator. */
  readonly admin: KubeSettings;
  /** What opens a client as some other user; valid a day. */
  user(name: string, groups?: readonly string[]): Promise<KubeSettings>;
  /** A client as the administrator, with settings changed where that is asked; closed by `remove` at the latest. */
  open(changes?: Partial<KubeSettings>): Kube;
  /** Makes etcd forget every revision before the present one. */
  compact(): Promise<void>;
  /** Kills everything and removes the folder. */
  remove(): Promise<void>;
}

/** As many planes as asked for, started side by side, called `plane-1`, `plane-2` and so on. */
export async function startPlanes(count: number, options: PlaneOptions = {}): Promise<readonly Plane[]> {
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  const started = await Promise.allSettled(
    numbers.map((number) => startPlane({ ...options, name: `plane-${number}` })),
  );
  const failed = started.find((one) => one.status === "rejected");
  const planes = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  if (!failed) return planes;
  await Promise.all(planes.map((plane) => plane.remove()));
  throw failed.reason;
}

/** One plane, ready to be asked. */
export async function startPlane(options: PlaneOptions = {}): Promise<Plane> {
  const programs = await planePrograms();
  const dir = mkdtempSync(join(tmpdir(), "panopticon-plane-"));
  const certificates = await makeCertificates(dir);
  const [clientPort = 0, peerPort = 0, securePort = 0] = await freePorts(3);
  const server = `https://127.0.0.1:${securePort}`;
  const { authority } = certificates;
  const user = async (name: string, groups: readonly string[] = []): Promise<KubeSettings> => {
    const subject = { commonName: name, organizations: groups };
    const client = await clientCertificate(authority, subject, 24 * 3600, new Date());
    return { server, authority: authority.certificate, client };
  };
  const admin = await user("plane-admin", ["system:masters"]);
  const { name = "plane", controllers = true, durable = true } = options;
  const kubeconfig = join(dir, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigText(name, admin), { mode: 0o600 });
  const opened: Kube[] = [];
  const open: Plane["open"] = (changes) => {
    const kube = openKube({ ...admin, ...changes });
    opened.push(kube);
    return kube;
  };
  const probe = open();
  const endpoint = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const etcd = etcdProcess({ name, dir, programs, endpoint, peer, durable });
  const apiServer = apiServerProcess(
    { name, dir, programs, endpoint, certificates, probe },
    securePort,
    options,
  );
  const controllerManager = controllers
    ? controllerManagerProcess({ name, dir, programs, kubeconfig, certificates, probe })
    : undefined;
  const plane: Plane = {
    name,
    dir,
    server,
    authority: authority.certificate,
    kubeconfig,
    etcd,
    apiServer,
    controllerManager,
    admin,
    user,
    open,
    compact: () => compact(programs.etcdctl, endpoint),
    async remove() {
      await Promise.all([controllerManager?.kill(), apiServer.kill(), etcd.kill()]);
      await Promise.all(opened.map((kube) => kube.close()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
  try {
    await etcd.start();
    await apiServer.start();
    await controllerManager?.start();
    return plane;
  } catch (error) {
    await plane.remove();
    throw error;
  }
}

interface Parts {
  readonly name: string;
  readonly dir: string;
  readonly programs: PlanePrograms;
}

function etcdProcess({
  name,
  dir,
  programs,
  endpoint,
  peer,
  durable,
}: Parts & { endpoint: string; peer: string; durable: boolean }): PlaneProcess {
  return planeProcess({
    name: `${name}'s etcd`,
    log: join(dir, "etcd.log"),
    seconds: 60,
    argv: [
      programs.etcd,
      `--data-dir=${join(dir, "etcd")}`,
      `--listen-client-urls=${endpoint}`,
      `--advertise-client-urls=${endpoint}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      "--log-level=warn",
      ...(durable ? [] : ["--unsafe-no-fsync"]),
    ],
    ready: () => answers(`${endpoint}/health`),
  });
}

function apiServerProcess(
  parts: Parts & { endpoint: string; certificates: PlaneCertificates; probe: Kube },
  port: number,
  { apiServerArguments = [] }: PlaneOptions,
): PlaneProcess {
  const { name, dir, programs, endpoint, certificates, probe } = parts;
  return planeProcess({
    name: `${name}'s API server`,
    log: join(dir, "apiserver.log"),
    seconds: 180,
    argv: [
      programs.apiServer,
      `--etcd-servers=${endpoint}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      // Endpoints may not name a loopback address, and nothing here looks for the service `kubernetes`.
      "--endpoint-reconciler-type=none",
      `--secure-port=${port}`,
      "--service-cluster-ip-range=10.96.0.0/16",
      `--client-ca-file=${certificates.authorityFile}`,
      `--tls-cert-file=${certificates.serverFile}`,
      `--tls-private-key-file=${certificates.serverKeyFile}`,
      `--service-account-key-file=${certificates.accountsPublicFile}`,
      `--service-account-signing-key-file=${certificates.accountsKeyFile}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      "--authorization-mode=RBAC",
      "--profiling=false",
      ...apiServerArguments,
    ],
    ready: () => isReady(probe),
  });
}

function controllerManagerProcess(
  parts: Parts & { kubeconfig: string; certificates: PlaneCertificates; probe: Kube },
): PlaneProcess {
  const { name, dir, programs, kubeconfig, certificates, probe } = parts;
  return planeProcess({
    name: `${name}'s controller-manager`,
    log: join(dir, "controller-manager.log"),
    seconds: 180,
    argv: [
      programs.controllerManager,
      `--kubeconfig=${kubeconfig}`,
      "--controllers=namespace-controller,serviceaccount-controller,serviceaccount-token-controller,garbage-collector-controller",
      `--service-account-private-key-file=${certificates.accountsKeyFile}`,
      `--root-ca-file=${certificates.authorityFile}`,
      "--use-service-account-credentials=false",
      "--leader-elect=false",
      "--secure-port=0",
    ],
    ready: () => hasDefaultAccount(probe),
  });
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}

async function isReady(kube: Kube): Promise<boolean> {
  try {
    return (await kube.raw("/readyz", { timeoutSeconds: 2 })).status === 200;
  } catch {
    return false;
  }
}

async function hasDefaultAccount(kube: Kube): Promise<boolean> {
  const resource = { group: "", version: "v1", plural: "serviceaccounts" };
  return (await kube.find({ resource, namespace: "default", name: "default" })) !== undefined;
}

async function compact(etcdctl: string, endpoint: string): Promise<void> {
  const run = (...argv: string[]): Promise<string> =>
    mustRun("TEST_PLANE", [etcdctl, `--endpoints=${endpoint}`, ...argv]);
  const said = JSON.parse(await run("endpoint", "status", "--write-out=json")) as {
    Status: { header: { revision: number } };
  }[];
  await run("compact", String(said[0]?.Status.header.revision), "--physical");
}

function kubeconfigText(name: string, { server, authority = "", client }: KubeSettings): string {
  const content = { server, authority, client: client as KeyedCertificate };
  const entries = kubeconfigEntries({ ...content, cluster: name, user: name, context: name });
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: entries.cluster }],
    users: [{ name, user: entries.user }],
    contexts: [{ name, context: entries.context }],
    "current-context": name,
  });
}
