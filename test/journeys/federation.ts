/** A federation of real bare planes with our agents as real processes, for journeys. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { runProcess } from "#base/process.ts";
import { AGENT_FLAGS } from "#components/agent.ts";
import { AGENTS_GROUP, CLOUD_AGENTS_GROUP } from "#control/federation/join/identity.ts";
import { kubeconfigEntries } from "#converge/pki/kubeconfig.ts";
import type { KeyedCertificate } from "#converge/pki/x509.ts";
import type { KubeSettings } from "#drivers/kube/transport.ts";
import type { Kube, KubeObject, Resource } from "#ports/kube.ts";
import { type Plane, startPlanes } from "../kube/plane.ts";
import { directLine, type Line, openLine } from "./line.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

export const CONFIG_MAPS: Resource<ConfigMap> = { group: "", version: "v1", plural: "configmaps" };
export const FEDERATED_MAPS: Resource = {
  group: "types.kubefed.io",
  version: "v1beta1",
  plural: "federatedconfigmaps",
};
export const SPACE = "shop";

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

export interface Site {
  readonly name: string;
  readonly plane: Plane;
  /** As the administrator, from inside the site. */
  readonly kube: Kube;
  /** By which its own agent reaches its API. */
  readonly near: Line;
  /** By which everybody else does: the agents of other sites and the operator. */
  readonly far: Line;
  /** @param environment more than the test's own */
  startAgent(environment?: NodeJS.ProcessEnv): void;
  /** SIGKILL; resolves when it is gone. */
  killAgent(): Promise<void>;
  /** Undefined while it does not run. */
  agentProcess(): number | undefined;
  agentLog(): string;
  /** The exit code of an agent that has ended by itself. */
  agentExit(): number | undefined;
}

export interface Federation {
  readonly sites: readonly Site[];
  /** The administrator's kubeconfig with a context per site; the first is the current one. */
  readonly kubeconfig: string;
  /** Runs `panopticon` as the administrator, with the kubeconfig of all sites unless another is named; fails where it fails. */
  panopticon(...argv: readonly string[]): Promise<string>;
  /** The same, to be killed. */
  start(...argv: readonly string[]): ChildProcess;
  remove(): Promise<void>;
}

export interface FederationOptions {
  /** Puts lines that can be cut before every API server. */
  readonly lines?: boolean;
  /** False: nothing is federated yet. */
  readonly types?: boolean;
  /** So many of the sites, the last ones, are external clouds; none where it is not said. */
  readonly clouds?: number;
}

/** The first site is the hub; namespaces and config maps are federated, and so is the namespace `shop`. */
export async function startFederation(
  count: number,
  { lines: cuttable = false, types = true, clouds = 0 }: FederationOptions = {},
): Promise<Federation> {
  // A process that is killed loses nothing that it has written, only a machine does.
  const planes = await startPlanes(count, { durable: false });
  const dir = mkdtempSync(join(tmpdir(), "panopticon-federation-"));
  const kubeconfig = join(dir, "admin");
  const [nears, fars] = await Promise.all(
    [0, 1].map(() =>
      Promise.all(planes.map(({ server }) => (cuttable ? openLine(server) : directLine(server)))),
    ),
  );
  const lines = planes.map((plane, index) => ({
    plane,
    near: nears?.[index] as Line,
    far: fars?.[index] as Line,
  }));
  writeKubeconfig(
    kubeconfig,
    lines.map(({ plane: { name, admin }, far: { server } }) => [name, { ...admin, server }]),
  );
  const sites = await Promise.all(
    lines.map((line, index) => openSite(line, lines, dir, index >= count - clouds ? "cloud" : "on-prem")),
  );
  const [hub] = sites;
  if (!hub) throw new Error("a federation needs a site");
  const command = (argv: readonly string[]) => {
    const own = argv.includes("--kubeconfig") ? [] : ["--kubeconfig", kubeconfig];
    return [process.execPath, MAIN, ...argv, ...own];
  };
  const panopticon = async (...argv: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runProcess(command(argv));
    if (code !== 0) throw new Error(`panopticon ${argv.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  };
  await panopticon("federate", "init", "--site", hub.name);
  await Promise.all(
    sites.map(({ name }) => panopticon("site", "prepare", "--site", name, "--context", name)),
  );
  for (const site of sites) site.startAgent();
  if (types) await federateSpace(panopticon, hub);
  return {
    sites,
    kubeconfig,
    panopticon,
    start: (...argv) =>
      spawn("setpriv", ["--pdeathsig", "KILL", "--", ...command(argv)], { stdio: "ignore" }),
    async remove() {
      await Promise.all(sites.map((site) => site.killAgent()));
      await Promise.all(lines.flatMap(({ near, far }) => [near.close(), far.close()]));
      await Promise.all(planes.map((plane) => plane.remove()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function federateSpace(panopticon: Federation["panopticon"], hub: Site): Promise<void> {
  await panopticon("federate", "enable", "namespaces");
  await panopticon("federate", "enable", "configmaps");
  await hub.kube.create(
    { resource: { group: "", version: "v1", plural: "namespaces" } },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: SPACE } },
  );
  await panopticon("federate", "namespace", SPACE);
}

interface Lines {
  readonly plane: Plane;
  readonly near: Line;
  readonly far: Line;
}

async function openSite(
  { plane, near, far }: Lines,
  all: readonly Lines[],
  dir: string,
  kind: "on-prem" | "cloud",
): Promise<Site> {
  const { name } = plane;
  const group = kind === "cloud" ? CLOUD_AGENTS_GROUP : AGENTS_GROUP;
  const user = `panopticon:agent:${name}`;
  const access = await Promise.all(
    all.map(async (other): Promise<readonly [string, KubeSettings]> => {
      const { server } = other.far;
      return [other.plane.name, { ...(await other.plane.user(user, [group])), server }];
    }),
  );
  const own = access
    .filter(([site]) => site === name)
    .map(([site, settings]) => [site, { ...settings, server: near.server }] as const);
  const [ownFile, othersFile, log] = ["own", "others", "log"].map((part) => join(dir, `${name}-${part}`)) as [
    string,
    string,
    string,
  ];
  writeKubeconfig(ownFile, own);
  writeKubeconfig(othersFile, access);
  let agent: ChildProcess | undefined;
  const runs = (): boolean => agent?.exitCode === null && agent.signalCode === null;
  return {
    name,
    plane,
    kube: plane.open(),
    near,
    far,
    agentProcess: () => (runs() ? agent?.pid : undefined),
    startAgent(environment = {}) {
      if (runs()) throw new Error(`${name}'s agent runs already`);
      const output = openSync(log, "a");
      const files = ["--kubeconfig", ownFile, "--hub-kubeconfig", othersFile, "--endpoint", far.server];
      const argv = ["agent", "run", "--site", name, "--kind", kind, ...files];
      agent = spawn(
        "setpriv",
        ["--pdeathsig", "KILL", "--", process.execPath, ...AGENT_FLAGS, MAIN, ...argv],
        {
          stdio: ["ignore", output, output],
          env: { ...process.env, ...environment },
        },
      );
      closeSync(output);
    },
    async killAgent() {
      const child = agent;
      if (!child || !runs()) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
    },
    agentLog: () => readFileSync(log, "utf8"),
    agentExit: () => agent?.exitCode ?? undefined,
  };
}

/** A kubeconfig with a context per entry, of which the first is the current one. */
export function writeKubeconfig(file: string, access: readonly (readonly [string, KubeSettings])[]): void {
  const entries = access.map(([name, { server, authority = "", client }]) => ({
    name,
    ...kubeconfigEntries({
      server,
      authority,
      client: client as KeyedCertificate,
      cluster: name,
      user: name,
      context: name,
    }),
  }));
  const text = stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: entries.map(({ name, cluster }) => ({ name, cluster })),
    users: entries.map(({ name, user }) => ({ name, user })),
    contexts: entries.map(({ name, context }) => ({ name, context })),
    "current-context": entries[0]?.name,
  });
  writeFileSync(file, text, { mode: 0o600 });
}

/** A FederatedConfigMap placed on every site, or on those that are named. */
export function federatedMap(
  name: string,
  data: Readonly<Record<string, string>>,
  spec: object = {},
): KubeObject {
  const placement = { clusterSelector: {} };
  return {
    apiVersion: "types.kubefed.io/v1beta1",
    kind: "FederatedConfigMap",
    metadata: { name, namespace: SPACE },
    spec: { template: { data }, placement, ...spec },
  } as KubeObject;
}

export async function createMap(kube: Kube, map: KubeObject): Promise<void> {
  await kube.create({ resource: FEDERATED_MAPS, namespace: SPACE }, map);
}

export const mapRef = (name: string) => ({ resource: CONFIG_MAPS, namespace: SPACE, name });
export const federatedRef = (name: string) => ({ resource: FEDERATED_MAPS, namespace: SPACE, name });

/** How many milliseconds it took until it held; fails with the agents' last words. */
export async function until(
  what: string,
  seconds: number,
  holds: () => Promise<boolean>,
  sites: readonly Pick<Site, "name" | "agentLog">[] = [],
): Promise<number> {
  const began = performance.now();
  for (;;) {
    if (await holds().catch(() => false)) return performance.now() - began;
    if (performance.now() - began > seconds * 1000) {
      const logs = sites.map((site) => `${site.name}:\n${site.agentLog().split("\n").slice(-15).join("\n")}`);
      throw new Error(`waited ${seconds} s in vain until ${what}\n${logs.join("\n")}`);
    }
    await sleep(10);
  }
}
