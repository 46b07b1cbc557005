/**
 * A service from its file to two real sites and away again. The planes have no
 * kubelets and no Deployment controller: what that would write into each
 * Deployment's status is written by this test, through the API's status
 * subresource. That real pods get well is the lab's to prove.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { runProcess } from "#base/process.ts";
import type { FederatedResource } from "#control/federation/api/federated.ts";
import { parseService } from "#model/service/parse.ts";
import { type Kube, KubeError, type KubeObject, type Resource } from "#ports/kube.ts";
import type { Manifest } from "#render/service/manifest.ts";
import { serviceObjects } from "#render/service/objects.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import { type Federation, type Site, startFederation, until } from "./federation.ts";

const obstacle = await planeObstacle();
const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
const dir = mkdtempSync(join(tmpdir(), "panopticon-service-"));
const DEPLOYMENTS: Resource<Deployment> = { group: "apps", version: "v1", plural: "deployments" };
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
    const { items } = await kube.list({ resource: DEPLOYMENTS });
    for (const one of items) await say(kube, one, moods.get(name) ?? "well");
    await sleep(200);
  }
}

async function say(kube: Kube, { metadata, spec }: Deployment, mood: Mood): Promise<void> {
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
    await kube.patch({ resource: DEPLOYMENTS, namespace, name, subresource: "status" }, { status });
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 404) throw error;
  }
}

function rendered(text: string): readonly Manifest[] {
  return serviceObjects(parseService(text, "hello.yaml").service).objects;
}

async function live(kube: Kube, { kind, apiVersion, metadata }: Manifest): Promise<KubeObject | undefined> {
  const [group = "", plural = ""] = PLURALS[kind] ?? [];
  const version = apiVersion.split("/").at(-1) ?? "";
  const { name, namespace } = metadata;
  return kube.find({
    resource: { group, version, plural },
    name,
    ...(namespace !== undefined && { namespace }),
  });
}

beforeEach((context) => skipWithoutPlanes(context, obstacle));
beforeAll(async () => {
  if (obstacle !== undefined) return;
  federation = await startFederation(2, { durable: false });
  sites = federation.sites as readonly [Site, Site];
  controllers = Promise.all(sites.map(playController));
});
afterAll(async () => {
  end.abort();
  await controllers.catch(() => undefined);
  await federation?.remove();
  rmSync(dir, { recursive: true });
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
  await told("they are spread", async () => (await counts()).toSorted().join() === "2,3");
  await deploy(fileOf("3", "totalReplicas: 5\n"));
  expect((await counts()).toSorted()).toEqual([2, 3]);
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
