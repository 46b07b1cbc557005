/**
 * A service from its file to two real sites and away again. The planes have no
 * kubelets and no Deployment controller: what that would write into each
 * Deployment's status is written by this test, through the API's status
 * subresource. That real pods get well is the lab's to prove.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseAllDocuments } from "yaml";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runProcess } from "#base/process.ts";
import type { FederatedResource } from "#control/federation/api/federated.ts";
import { parseService } from "#model/service/parse.ts";
import { type Kube, KubeError, type KubeObject, type Resource } from "#ports/kube.ts";
import type { Manifest } from "#render/service/manifest.ts";
import { serviceObjects } from "#render/service/objects.ts";
import { frontDefinitions, frontObstacle } from "../front/programs.ts";
import { applyDefinitions } from "../front/traefik.ts";
import { skipWithoutPlanes } from "../kube/programs.ts";
import { type Federation, type Site, startFederation, until } from "./federation.ts";

const obstacle = await frontObstacle();
const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
const dir = mkdtempSync(join(tmpdir(), "panopticon-service-"));
const DEPLOYMENTS: Resource<Deployment> = { group: "apps", version: "v1", plural: "deployments" };
const STATEFUL_SETS: Resource<Deployment> = { group: "apps", version: "v1", plural: "statefulsets" };
const FEDERATED: Resource<FederatedResource> = {
  group: "types.kubefed.io",
  version: "v1beta1",
  plural: "federateddeployments",
};
const HELLO = { namespace: "hello", name: "hello" };
const PLURALS: Readonly<Record<string, readonly [string, string]>> = {
  Namespace: ["", "namespaces"],
  ServiceAccount: ["", "serviceaccounts"],
  NetworkPolicy: ["networking.k8s.io", "networkpolicies"],
  Service: ["", "services"],
  Ingress: ["networking.k8s.io", "ingresses"],
  PodDisruptionBudget: ["policy", "poddisruptionbudgets"],
  Deployment: ["apps", "deployments"],
  StatefulSet: ["apps", "statefulsets"],
  HTTPRoute: ["gateway.networking.k8s.io", "httproutes"],
};

interface Deployment extends KubeObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: { readonly spec?: { readonly containers?: readonly { readonly image?: string }[] } };
  };
}

interface Dry {
  readonly services: readonly { readonly sites: unknown; readonly objects: readonly { action: string }[] }[];
}

type Mood = "well" | "silent" | "stuck";

let federation: Federation;
let sites: readonly [Site, Site];
const moods = new Map<string, Mood>();
const end = new AbortController();
let controllers: Promise<unknown> = Promise.resolve();

const run = (...argv: readonly string[]) =>
  runProcess([process.execPath, MAIN, ...argv, "--kubeconfig", federation.kubeconfig]);
const deploy = async (file: string) =>
  expect(await run("service", "deploy", file)).toMatchObject({ code: 0 });
const told = (what: string, holds: () => Promise<boolean>) => until(what, 90, holds, federation.sites);
const imageAt = async ({ kube }: Site) =>
  (await kube.find({ resource: DEPLOYMENTS, ...HELLO }))?.spec?.template?.spec?.containers?.[0]?.image;

function fileOf(version: string, more = ""): string {
  const file = join(dir, "hello.yaml");
  writeFileSync(
    file,
    `kind: Service\napiVersion: panopticon/v1\nname: hello\nimage: registry.example/hello:${version}\nport: 8080\nhost: hello.home.example\n${more}`,
  );
  return file;
}

/** What a Deployment controller and kubelets would say, in the mood that the test gives the site. */
async function playController({ name, kube }: Site): Promise<void> {
  while (!end.signal.aborted) {
    for (const resource of [DEPLOYMENTS, STATEFUL_SETS]) {
      const { items } = await kube.list({ resource });
      for (const one of items) await say(kube, resource, one, moods.get(name) ?? "well");
    }
    await sleep(200);
  }
}

async function say(
  kube: Kube,
  resource: Resource<Deployment>,
  { metadata, spec }: Deployment,
  mood: Mood,
): Promise<void> {
  if (mood === "silent") return;
  const { name = "", namespace = "", generation = 0 } = metadata ?? {};
  const replicas = spec?.replicas ?? 1;
  const available = { type: "Available", status: "True", reason: "MinimumReplicasAvailable", message: "" };
  const status =
    mood === "well"
      ? {
          observedGeneration: generation,
          replicas,
          updatedReplicas: replicas,
          readyReplicas: replicas,
          availableReplicas: replicas,
          conditions: [
            available,
            { type: "Progressing", status: "True", reason: "NewReplicaSetAvailable", message: "" },
          ],
        }
      : {
          observedGeneration: generation,
          replicas: replicas + 1,
          updatedReplicas: 1,
          readyReplicas: replicas,
          availableReplicas: replicas,
          conditions: [
            available,
            {
              type: "Progressing",
              status: "False",
              reason: "ProgressDeadlineExceeded",
              message: `ReplicaSet "${name}-x" has timed out progressing.`,
            },
          ],
        };
  try {
    await kube.patch({ resource, namespace, name, subresource: "status" }, { status });
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 404) throw error;
  }
}

function rendered(text: string): readonly Manifest[] {
  return serviceObjects(parseService(text, "hello.yaml").service).objects;
}

function resourceOf({ kind, apiVersion }: Manifest): Resource {
  const [group = "", plural = ""] = PLURALS[kind] ?? [];
  return { group, version: apiVersion.split("/").at(-1) ?? "", plural };
}

async function live(kube: Kube, object: Manifest): Promise<KubeObject | undefined> {
  const { name, namespace } = object.metadata;
  return kube.find({
    resource: resourceOf(object),
    name,
    ...(namespace !== undefined && { namespace }),
  });
}

beforeEach((context) => skipWithoutPlanes(context, obstacle));
beforeAll(async () => {
  if (obstacle !== undefined) return;
  federation = await startFederation(2);
  sites = federation.sites as readonly [Site, Site];
  controllers = Promise.all(sites.map(playController));
});
afterAll(async () => {
  end.abort();
  await controllers.catch(() => undefined);
  await federation?.remove();
  rmSync(dir, { recursive: true });
});

it("renders nothing that a real API refuses", async () => {
  const folder = join(import.meta.dirname, "../golden/service");
  const texts = readdirSync(folder)
    .filter((file) => file.endsWith(".objects.yaml"))
    .map((file) => readFileSync(join(folder, file), "utf8"));
  const objects = texts.flatMap((text) => parseAllDocuments(text).map((one) => one.toJS() as Manifest));
  expect(objects.length).toBeGreaterThan(30);
  const { kube, plane } = sites[1];
  await applyDefinitions(plane, await frontDefinitions());
  for (const object of objects.filter(({ kind }) => kind !== "ReplicaSchedulingPreference")) {
    // The dry run of an object needs a namespace that is there.
    const placed = {
      ...object.metadata,
      ...(object.metadata.namespace !== undefined && { namespace: "default" }),
    };
    const { namespace, name } = placed;
    const ref = { resource: resourceOf(object), name, ...(namespace !== undefined && { namespace }) };
    const { kind } = await kube.apply(ref, { ...object, metadata: placed }, { dryRun: true });
    expect(kind).toBe(object.kind);
  }
});

it("changes nothing in a dry run", async () => {
  const { code, stdout } = await run("service", "deploy", fileOf("1"), "--dry-run", "-o", "json");
  expect(code).toBe(0);
  const [said] = (JSON.parse(stdout) as Dry).services;
  expect(said?.sites).toEqual(["plane-1", "plane-2"]);
  expect(said?.objects.map(({ action }) => action)).toEqual(Array.from({ length: 7 }, () => "create"));
  await expect(sites[0].kube.list({ resource: FEDERATED })).rejects.toThrow(/KUBE_NOT_FOUND/);
  const space = { resource: { group: "", version: "v1", plural: "namespaces" }, name: "hello" };
  expect(await sites[0].kube.find(space)).toBeUndefined();
});

it("brings every object to both sites as it was rendered", async () => {
  const file = fileOf("1");
  const { code, stdout, stderr } = await run("service", "deploy", file);
  expect(stderr).not.toMatch(/SERVICE_/);
  expect(code).toBe(0);
  expect(stdout).toContain("hello runs registry.example/hello:1 at plane-1, plane-2.");
  for (const { kube } of sites)
    for (const object of rendered(readFileSync(file, "utf8")))
      expect(await live(kube, object)).toMatchObject(object);
  const resource = await sites[0].kube.get({ resource: FEDERATED, ...HELLO });
  expect(resource.spec?.overrides ?? []).toEqual([]);
  expect(resource.spec?.placement?.clusters ?? null).toBeNull();
});

it("does nothing where nothing has changed", async () => {
  const version = async () =>
    (await sites[0].kube.get({ resource: FEDERATED, ...HELLO })).metadata?.generation;
  const before = await version();
  const { code, stdout } = await run("service", "deploy", fileOf("1"), "-o", "json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ services: [{ changed: false }] });
  expect(await version()).toBe(before);
  expect((await run("service", "diff", fileOf("1"))).code).toBe(0);
});

it("says what differs, and ends with 1", async () => {
  const { code, stdout } = await run("service", "diff", fileOf("2"));
  expect(code).toBe(1);
  expect(stdout).toContain('- "registry.example/hello:1"');
  expect(stdout).toContain('+ "registry.example/hello:2"');
});

it("gives the next site a version only when the one before says that it is available, though it is killed meanwhile", async () => {
  const [one, two] = sites;
  moods.set(one.name, "silent");
  const killed = federation.start("service", "deploy", fileOf("2"));
  await told("the first site has it", async () => (await imageAt(one)) === "registry.example/hello:2");
  const before = await two.kube.get({ resource: DEPLOYMENTS, ...HELLO });
  killed.kill("SIGKILL");
  const again = run("service", "deploy", fileOf("2"));
  await sleep(3000);
  const after = await two.kube.get({ resource: DEPLOYMENTS, ...HELLO });
  expect(after.metadata?.generation).toBe(before.metadata?.generation);
  expect(after.metadata?.annotations).toEqual(before.metadata?.annotations);
  expect(await imageAt(two)).toBe("registry.example/hello:1");
  moods.set(one.name, "well");
  const { code, stderr } = await again;
  expect(stderr).toMatch(/ok plane-1: hello is well, 2 available/);
  expect(code).toBe(0);
  expect(await imageAt(two)).toBe("registry.example/hello:2");
  const { spec } = await one.kube.get({ resource: FEDERATED, ...HELLO });
  expect(spec?.overrides ?? []).toEqual([]);
});

it("stops at a site that is unwell, says why, and leaves the others as they were", async () => {
  const [one, two] = sites;
  moods.set(one.name, "stuck");
  const before = await two.kube.get({ resource: DEPLOYMENTS, ...HELLO });
  const { code, stderr } = await run("service", "deploy", fileOf("3"));
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /SERVICE_UNWELL hello is not well at plane-1: Deployment hello: ProgressDeadlineExceeded/,
  );
  expect(stderr).toMatch(/→ The rollout has stopped; plane-2 is as before/);
  expect(stderr).not.toMatch(/^ +at /m);
  const after = await two.kube.get({ resource: DEPLOYMENTS, ...HELLO });
  expect(after.metadata?.generation).toBe(before.metadata?.generation);
  expect(after.metadata?.annotations).toEqual(before.metadata?.annotations);
  const status = await run("service", "status", "hello");
  expect(status.code).toBe(1);
  expect(status.stdout).toMatch(/plane-1 +unwell +1\/2 +registry.example\/hello:3/);
  expect(status.stdout).toMatch(/plane-2 +well +2\/2 +registry.example\/hello:2/);
});

it("stops where the time is over", async () => {
  moods.set(sites[0].name, "silent");
  const { code, stderr } = await run("service", "deploy", fileOf("4"), "--timeout", "3s");
  expect(code).toBe(1);
  expect(stderr).toMatch(/SERVICE_UNWELL hello is not well at plane-1 after 3.0 s: nobody at the site/);
  expect(await imageAt(sites[1])).toBe("registry.example/hello:2");
});

it("goes back with the file before", async () => {
  moods.set(sites[0].name, "well");
  await deploy(fileOf("2"));
  await told("the first site has it", async () => (await imageAt(sites[0])) === "registry.example/hello:2");
  const list = await run("service", "list");
  expect(list.stdout).toMatch(/hello +well +plane-1,plane-2 +registry.example\/hello:2 +hello.home.example/);
});

it("refuses a site that there is not, with its place in the file", async () => {
  const { code, stderr } = await run(
    "service",
    "deploy",
    fileOf("2", "placement: { sites: [plane-1, loft] }\n"),
  );
  expect(code).toBe(1);
  expect(stderr).toMatch(/hello.yaml:7:31: SERVICE_SITE_UNKNOWN the federation has no site loft/);
});

it("leaves a site that it is not placed on any more", async () => {
  await deploy(fileOf("2", "placement: { sites: [plane-1] }\n"));
  await told("it is gone", async () => (await imageAt(sites[1])) === undefined);
  expect(await imageAt(sites[0])).toBe("registry.example/hello:2");
});

it("spreads a total over the sites", async () => {
  await deploy(fileOf("2", "totalReplicas: 5\n"));
  const counts = async () =>
    Promise.all(
      sites.map(
        async ({ kube }) => (await kube.find({ resource: DEPLOYMENTS, ...HELLO }))?.spec?.replicas ?? 0,
      ),
    );
  await told(
    "they are spread",
    async () => (await counts()).toSorted((left, right) => left - right).join() === "2,3",
  );
  await deploy(fileOf("3", "totalReplicas: 5\n"));
  expect((await counts()).toSorted((left, right) => left - right)).toEqual([2, 3]);
});

it("goes on without a site that is said to be away, which gets it with the others' template", async () => {
  const [one, two] = sites;
  moods.set(one.name, "silent");
  const { code, stderr } = await run("service", "deploy", fileOf("5"), "--skip", one.name);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).not.toMatch(/plane-1: hello is well/);
  expect(await imageAt(two)).toBe("registry.example/hello:5");
  moods.set(one.name, "well");
  await told("the other has it too", async () => (await imageAt(one)) === "registry.example/hello:5");
  const all = await run("service", "deploy", fileOf("6"), "--skip", "plane-1,plane-2");
  expect(all.stderr).toMatch(/SERVICE_SKIP --skip leaves no site/);
});

describe("a compose file", () => {
  const file = (size: string): string => {
    const path = join(dir, "compose.yaml");
    writeFileSync(
      path,
      `name: wiki
services:
  web:
    image: registry.example/web:1
    ports: ["80:3000"]
    depends_on: [db]
  db:
    image: registry.example/db:1
    environment: { PASSWORD: "\${PASSWORD}" }
    volumes: ["${size}:/data"]
`,
    );
    return path;
  };

  it("becomes services that share a namespace, and says what it could not carry over", async () => {
    const { code, stderr } = await run("service", "deploy", file("data"), "--domain", "home.example");
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toMatch(/compose.yaml:9:20: db.environment.PASSWORD: left out/);
    for (const { kube } of sites) {
      const db = await kube.get({ resource: STATEFUL_SETS, namespace: "wiki", name: "db" });
      expect(db.spec).toMatchObject({ volumeClaimTemplates: [{ metadata: { name: "data" } }] });
      const web = await kube.get({ resource: DEPLOYMENTS, namespace: "wiki", name: "web" });
      expect(web.spec?.replicas).toBe(1);
    }
    expect((await run("service", "list")).stdout).toMatch(/web +well +plane-1,plane-2 .* web.home.example/);
  });

  it("stops where a site's API refuses what it becomes, in the API's own words", async () => {
    const { code, stderr } = await run("service", "deploy", file("other"), "--domain", "home.example");
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /SERVICE_UNWELL db is not well at plane-1: StatefulSet db: UpdateFailed, .*forbidden/i,
    );
    const { kube } = sites[1];
    const db = await kube.get({ resource: STATEFUL_SETS, namespace: "wiki", name: "db" });
    expect(db.spec).toMatchObject({ volumeClaimTemplates: [{ metadata: { name: "data" } }] });
    expect(await run("service", "deploy", file("data"), "--domain", "home.example")).toMatchObject({
      code: 0,
    });
  });

  it("keeps the namespace that others are in, and volumes", async () => {
    const { stdout } = await run("service", "remove", "web");
    expect(stdout).toMatch(/The namespace stays: it holds .*StatefulSet db/);
    const kept = await run("service", "remove", "db", "--dry-run");
    expect(kept.stdout).toMatch(/The namespace stays: it holds the service's volumes \(--delete-data/);
    const all = await run("service", "remove", "db", "--delete-data");
    expect(all.stdout).toMatch(/Namespace wiki goes/);
    const space = { resource: { group: "", version: "v1", plural: "namespaces" }, name: "wiki" };
    await told("it is gone", async () => (await sites[1].kube.find(space)) === undefined);
  });
});

it("refuses a host name that another service has, and an object that no service made", async () => {
  const other = join(dir, "other.yaml");
  const text = (name: string, host: string): string =>
    `kind: Service\napiVersion: panopticon/v1\nname: ${name}\nimage: registry.example/a:1\nport: 1\nhost: ${host}\n`;
  writeFileSync(other, text("other", "hello.home.example"));
  const taken = await run("service", "deploy", other);
  expect(taken.code).toBe(1);
  expect(taken.stderr).toMatch(
    /other.yaml:6:7: SERVICE_HOST_TAKEN the service hello answers at hello.home.example/,
  );
  const resource = { ...FEDERATED, plural: "federatedserviceaccounts" };
  const theirs = {
    apiVersion: "types.kubefed.io/v1beta1",
    kind: "FederatedServiceAccount",
    metadata: { name: "shop", namespace: "shop" },
    spec: { template: {}, placement: { clusters: [] } },
  };
  await sites[0].kube.create({ resource, namespace: "shop" }, theirs);
  writeFileSync(other, text("shop", "shop.home.example"));
  const refused = await run("service", "deploy", other);
  expect(refused.stderr).toMatch(
    /other.yaml:3:7: SERVICE_NOT_OURS the hub has a FederatedServiceAccount shop\/shop/,
  );
});

it("says that a member is not the hub", async () => {
  const { code, stderr } = await run("service", "list", "--context", "plane-2");
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /SERVICE_NOT_HUB plane-2 is not the hub: the crown is at plane-1\n +→ Name the hub: --context plane-1/,
  );
});

it("gives its panels routes where the hub knows such, and says so where it does not", async () => {
  const panels = "panels: [{ name: admin, path: /admin }]\n";
  const before = await run("service", "deploy", fileOf("2", panels));
  expect(before).toMatchObject({ code: 0, stderr: expect.stringContaining("its panels get no route") });
  const definitions = await frontDefinitions();
  for (const { plane } of sites) await applyDefinitions(plane, definitions);
  const after = await run("service", "deploy", fileOf("2", panels));
  expect(after).toMatchObject({ code: 0, stderr: expect.not.stringContaining("no route") });
  const [route] = rendered(readFileSync(fileOf("2", panels), "utf8")).filter(
    ({ kind }) => kind === "HTTPRoute",
  );
  if (!route) throw new Error("no route is rendered");
  for (const { name, kube } of sites)
    await told(`${name} has the panels' route`, async () => (await live(kube, route)) !== undefined);
  expect(await live(sites[1].kube, route)).toMatchObject(route);
  await deploy(fileOf("2"));
  for (const { name, kube } of sites)
    await told(`${name} has it no more`, async () => (await live(kube, route)) === undefined);
});

it("says in words that a service has no pods, and that there is no such service", async () => {
  expect((await run("service", "logs", "hello")).stderr).toContain("hello has no pods.");
  const { code, stderr } = await run("service", "logs", "helo");
  expect(code).toBe(2);
  expect(stderr).toMatch(/SERVICE_UNKNOWN the federation has no service helo\n +→ Its services are hello/);
});

it("takes all of it away", async () => {
  const { code } = await run("service", "remove", "hello");
  expect(code).toBe(0);
  const objects = rendered(
    `kind: Service\napiVersion: panopticon/v1\nname: hello\nimage: a/b:1\nport: 1\nhost: a.b\n`,
  );
  await told("it is gone", async () => {
    const left = await Promise.all(
      sites.flatMap(({ kube }) =>
        objects.filter(({ kind }) => kind !== "Namespace").map((object) => live(kube, object)),
      ),
    );
    return left.every((one) => one === undefined);
  });
  const [space] = objects;
  await told("its namespace is gone at the second site", async () => {
    return space !== undefined && (await live(sites[1].kube, space)) === undefined;
  });
  expect((await run("service", "list")).stdout).toContain("There is no service yet");
});
