/** The real kubefedctl against our hub: what it enables and federates reaches the sites. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { mustRun } from "#base/process.ts";
import { KUBEFED } from "#components/tools.ts";
import { withKeyedStatus } from "#control/federation/api/enable.ts";
import type { Kube, KubeObject, Resource } from "#ports/kube.ts";
import { DEFINITIONS } from "#control/federation/agent/resources.ts";
import { type Plane, startPlane } from "../kube/plane.ts";
import { componentFolder, planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import { type Federation, type Site, startFederation, until } from "./federation.ts";
import { type Kubectl, kubectlAt } from "./kubectl.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
const CORE = { group: "core.kubefed.io", version: "v1beta1" };
const TYPES = { group: "types.kubefed.io", version: "v1beta1" };
const SYSTEM = "kube-federation-system";
const CONFIG_MAPS: Resource = { group: "", version: "v1", plural: "configmaps" };
const DEPLOYMENTS: Resource = { group: "apps", version: "v1", plural: "deployments" };
const WIDGETS: Resource = { group: "example.test", version: "v1", plural: "widgets" };

const WIDGET_DEFINITION = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.example.test }
spec:
  group: example.test
  scope: Namespaced
  names: { plural: widgets, singular: widget, kind: Widget, listKind: WidgetList }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: { spec: { type: object, properties: { colour: { type: string } } } }
`;
const deployment = (name: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: shop }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: app, image: "example.test/app:1" }] }
`;
const SHOP = `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: shop }
data: { colour: blue }
---
apiVersion: example.test/v1
kind: Widget
metadata: { name: first, namespace: shop }
spec: { colour: blue }
---${deployment("web")}`;
const FILE = `
apiVersion: v1
kind: ConfigMap
metadata: { name: from-file, namespace: shop }
data: { colour: green }
---
apiVersion: example.test/v1
kind: Widget
metadata: { name: second, namespace: shop }
spec: { colour: green }
---${deployment("api")}`;

const MANAGED = { "kubefed.io/managed": "true" };

interface Judged extends KubeObject {
  readonly status?: { readonly clusters?: readonly { readonly name: string; readonly status?: string }[] };
}

const obstacle = await planeObstacle("kubefedctl");

describe("kubefedctl at our hub", () => {
  const dir = mkdtempSync(join(tmpdir(), "panopticon-kubefedctl-"));
  let federation: Federation;
  let hub: Site;
  let member: Site;
  let program: string;
  let kubectl: Kubectl;
  let late: Plane | undefined;
  let lateAgent: ChildProcess | undefined;

  const kubefedctl = (...argv: readonly string[]) =>
    mustRun("TEST_KUBEFEDCTL", [program, ...argv, "--kubeconfig", federation.kubeconfig]);
  const has = async (kube: Kube, resource: Resource, name: string) =>
    (await kube.find({ resource, namespace: "shop", name })) !== undefined;
  const reaches = (resource: Resource, ...names: readonly string[]) =>
    until(
      `${names.join(", ")} of ${resource.plural} is at the member`,
      60,
      async () => (await Promise.all(names.map((name) => has(member.kube, resource, name)))).every(Boolean),
      federation.sites,
    );
  const copyOf = (name: string) => member.kube.get({ resource: CONFIG_MAPS, namespace: "shop", name });
  const isKeyed = async (plural: string) => {
    const crd = await hub.kube.get({ resource: DEFINITIONS, name: `${plural}.types.kubefed.io` });
    return withKeyedStatus(crd) === undefined;
  };

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    program = join(await componentFolder("kubefedctl"), "kubefedctl");
    federation = await startFederation(2, { types: false });
    [hub, member] = federation.sites as [Site, Site];
    kubectl = kubectlAt(federation.kubeconfig, hub.name);
    const atMember = kubectlAt(federation.kubeconfig, member.name);
    for (const apply of [kubectl, atMember]) await apply(["apply", "-f", "-"], WIDGET_DEFINITION);
    await kubectl(["create", "namespace", "shop"]);
    await until("widgets are served", 30, () => kubectl(["apply", "-f", "-"], SHOP).then(() => true));
  });
  afterAll(async () => {
    lateAgent?.kill("SIGKILL");
    await Promise.all([federation?.remove(), late?.remove()]);
    rmSync(dir, { recursive: true, force: true });
  });

  it("is the last release there was", async () => {
    expect(await mustRun("TEST_KUBEFEDCTL", [program, "version"])).toContain(`"${KUBEFED}"`);
  });

  it.each(["namespaces", "configmaps", "deployments.apps", "widgets.example.test"])(
    "enables %s, and its definition is made fit for a status of many owners",
    async (type) => {
      expect(await kubefedctl("enable", type)).toContain(
        `federatedtypeconfig.core.kubefed.io/${type} created`,
      );
      const plural = `federated${type.split(".")[0]}`;
      await until(`${plural} is keyed`, 30, () => isKeyed(plural), federation.sites);
    },
  );

  it("enables a type twice without taking that away", async () => {
    expect(await kubefedctl("enable", "configmaps")).toContain("updated");
    await until("it is keyed", 30, () => isKeyed("federatedconfigmaps"), federation.sites);
  });

  it("federates a namespace with all that is in it", async () => {
    await kubefedctl("federate", "namespace", "shop", "--contents", "--enable-type");
    await reaches(DEPLOYMENTS, "web");
    await reaches(WIDGETS, "first");
    await reaches(CONFIG_MAPS, "settings");
    expect(await copyOf("settings")).toMatchObject({
      data: { colour: "blue" },
      metadata: { labels: MANAGED },
    });
  });

  it("federates one object, whose status then names every site", async () => {
    await kubectl(["create", "configmap", "single", "--namespace=shop", "--from-literal=colour=red"]);
    await kubefedctl("federate", "configmaps", "single", "--namespace", "shop");
    await reaches(CONFIG_MAPS, "single");
    expect(await copyOf("single")).toMatchObject({ data: { colour: "red" } });
    await until(
      "every site has told of it",
      30,
      async () => {
        const resource: Resource<Judged> = { ...TYPES, plural: "federatedconfigmaps" };
        const { status } = await hub.kube.get({ resource, namespace: "shop", name: "single" });
        const told = status?.clusters?.filter((one) => !one.status).map(({ name }) => name);
        return told?.toSorted().join() === [hub.name, member.name].toSorted().join();
      },
      federation.sites,
    );
  });

  it("federates what a file holds", async () => {
    const file = join(dir, "app.yaml");
    writeFileSync(file, FILE);
    await kubectl(["apply", "-f", "-"], await kubefedctl("federate", "--filename", file));
    await reaches(DEPLOYMENTS, "api");
    await reaches(WIDGETS, "second");
    await reaches(CONFIG_MAPS, "from-file");
    expect(await copyOf("from-file")).toMatchObject({ data: { colour: "green" } });
  });

  it("disables a type: nothing is propagated, and nothing taken away", async () => {
    expect(await kubefedctl("disable", "widgets.example.test")).toContain("is stopped");
    const config = { resource: { ...CORE, plural: "federatedtypeconfigs" }, namespace: SYSTEM };
    expect(await hub.kube.find({ ...config, name: "widgets.example.test" })).toBeUndefined();
    await member.kube.delete({ resource: WIDGETS, namespace: "shop", name: "first" });
    // What comes later through the same agent tells that it had its time.
    await kubectl(["create", "configmap", "later", "--namespace=shop"]);
    await kubefedctl("federate", "configmaps", "later", "--namespace", "shop");
    await reaches(CONFIG_MAPS, "later");
    expect(await has(member.kube, WIDGETS, "first")).toBe(false);
    expect(await has(member.kube, WIDGETS, "second")).toBe(true);
    await kubefedctl("enable", "widgets.example.test");
    await reaches(WIDGETS, "first");
  });

  it("joins a cluster, which receives what is placed everywhere once its agent runs", async () => {
    const plane = await startPlane({ name: "late" });
    late = plane;
    const both = join(dir, "both");
    writeFileSync(both, merged(federation.kubeconfig, plane.kubeconfig), { mode: 0o600 });
    const words = ["join", "late", "--kubeconfig", both, "--host-cluster-context", hub.name];
    await mustRun("TEST_KUBEFEDCTL", [program, ...words]);
    const resource: Resource<KubeObject & { spec?: { apiEndpoint: string } }> = {
      ...CORE,
      plural: "kubefedclusters",
    };
    const joined = await hub.kube.get({ resource, namespace: SYSTEM, name: "late" });
    expect(joined.spec?.apiEndpoint).toBe(plane.server);
    const files = ["--kubeconfig", plane.kubeconfig, "--hub-kubeconfig", hub.plane.kubeconfig];
    lateAgent = spawn(process.execPath, [MAIN, "agent", "run", "--site", "late", ...files], {
      stdio: "ignore",
    });
    const kube = plane.open();
    await until("it has what is placed everywhere", 90, () => has(kube, CONFIG_MAPS, "settings"));
  });
});

/** The contexts of both, the first file's current one staying so. */
function merged(first: string, second: string): string {
  const [one, two] = [first, second].map((file) => parse(readFileSync(file, "utf8")) as KubeconfigLists);
  if (!one || !two) throw new Error("there are two files");
  const lists = (["clusters", "users", "contexts"] as const).map((key) => [key, [...one[key], ...two[key]]]);
  return stringify({ ...one, ...Object.fromEntries(lists) });
}

type KubeconfigLists = Record<"clusters" | "users" | "contexts", readonly object[]>;
