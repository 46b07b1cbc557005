/**
 * The watchdog over workers, with a real API server: our program as a real
 * process, workers that really fall silent, Nodes and the policy as a site has
 * them. What MetalLB makes of the label is the lab's.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { CertificateSigningRequest } from "kubernetes-types/certificates/v1.d.ts";
import type { Node } from "kubernetes-types/core/v1.d.ts";
import type { Ingress } from "kubernetes-types/networking/v1.d.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { MANAGED_LABEL } from "#control/federation/api/names.ts";
import { applyAll } from "#converge/objects.ts";
import { NODES } from "#converge/resources.ts";
import type { Kube, KubeObject, Resource } from "#ports/kube.ts";
import { watchdogObjects } from "#render/addons/watchdog.ts";
import {
  EXCLUDE_LABEL,
  EXCLUDED_BY_ANNOTATION,
  KUBELET_SERVING,
  WATCHDOG_GROUP,
  WATCHDOG_USER,
} from "#render/ecam/watchdog.ts";
import { type Plane, startPlane } from "../kube/plane.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import { type Lan, layLan, type Worker } from "../watchdog/lan.ts";
import { type Ecam, openEcam } from "../watchdog/programs.ts";
import { certificateRequest } from "../watchdog/request.ts";

const obstacle = process.getuid?.() === 0 ? await planeObstacle() : "needs root for network namespaces";
/** A worker's loss may cost a second in all; MetalLB takes some of it. */
const LOSS_SECONDS = 0.8;
const RETURN_SECONDS = 5;

const REQUESTS: Resource<CertificateSigningRequest> = {
  group: "certificates.k8s.io",
  version: "v1",
  plural: "certificatesigningrequests",
};

let plane: Plane;
let admin: Kube;
let lan: Lan;
let ecam: Ecam;

beforeAll(async () => {
  if (obstacle !== undefined) return;
  plane = await startPlane({ controllers: false, durable: false });
  admin = plane.open();
  lan = await layLan(3);
  for (const { name } of lan.workers) await admin.create({ resource: NODES }, nodeCalled(name));
  await applyAll(admin, watchdogObjects());
  ecam = await openEcam(plane, lan, "ecam-1", lan.address(5));
  await lan.hold(ecam.vip);
  await ecam.start();
  await inForce();
});
afterAll(async () => {
  await ecam?.remove();
  await lan?.remove();
  await plane?.remove();
});
beforeEach((context) => skipWithoutPlanes(context, obstacle));

const nodeCalled = (name: string): Node => ({ apiVersion: "v1", kind: "Node", metadata: { name } });
const at = (name: string) => ({ resource: NODES, name });
const worker = (number: number): Worker => lan.workers[number - 1] as Worker;

async function excluded(): Promise<readonly string[]> {
  const { items } = await admin.list({ resource: NODES });
  return items
    .filter(({ metadata }) => metadata?.labels?.[EXCLUDE_LABEL] !== undefined)
    .map(({ metadata }) => metadata?.name ?? "");
}

/** Seconds until just these are excluded. */
async function until(wanted: readonly string[], seconds = 20): Promise<number> {
  const start = performance.now();
  for (;;) {
    const got = await excluded();
    const took = (performance.now() - start) / 1000;
    if (JSON.stringify(got) === JSON.stringify(wanted)) return took;
    if (took > seconds)
      throw new Error(`after ${took.toFixed(1)} s excluded are ${got.join(", ") || "none"}\n${ecam.log()}`);
    await sleep(5);
  }
}

/** Nothing changes for so long. */
async function stays(wanted: readonly string[], seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    expect(await excluded()).toEqual(wanted);
    await sleep(100);
  }
}

/** All answer, nobody is excluded, and what follows begins from there. */
async function calm(): Promise<void> {
  await until([], 30);
  await sleep(500);
}

/** A policy takes a moment until it is judged by. */
async function inForce(): Promise<void> {
  const kube = plane.open(await plane.user(WATCHDOG_USER, ["system:masters"]));
  const end = performance.now() + 30_000;
  // Each try changes something: one that was let through must not hide the next.
  for (let tried = 0; ; tried += 1) {
    const unschedulable = tried % 2 === 0 ? true : null;
    const refused = await kube.patch(at("worker-1"), { spec: { unschedulable } }).then(
      () => false,
      () => true,
    );
    if (refused) break;
    if (performance.now() > end) throw new Error("the policy is not in force");
    await sleep(100);
  }
  await admin.patch(at("worker-1"), { spec: { unschedulable: null } });
}

describe("a worker that loses its power", () => {
  it("is excluded within a second, and let in again after five seconds of answers", async () => {
    await calm();
    const gaps: number[] = [];
    for (const one of lan.workers) {
      const start = performance.now();
      await one.cutPower();
      await until([one.name]);
      gaps.push((performance.now() - start) / 1000);
      const { metadata } = await admin.get<Node>(at(one.name));
      expect(metadata?.annotations?.[EXCLUDED_BY_ANNOTATION]).toBe("ecam-1");
      await one.boot();
      const back = await until([]);
      expect(back).toBeGreaterThan(RETURN_SECONDS - 1);
      expect(back).toBeLessThan(RETURN_SECONDS + 3);
    }
    // The figures are what this journey is for: whoever runs it sees them.
    // oxlint-disable-next-line no-console
    console.log(`watchdog: excluded after ${gaps.map((gap) => gap.toFixed(2)).join(", ")} s`);
    for (const gap of gaps) expect(gap).toBeLessThan(LOSS_SECONDS);
    const { metadata } = await admin.get<Node>(at("worker-1"));
    expect(metadata?.annotations?.[EXCLUDED_BY_ANNOTATION]).toBeUndefined();
  });

  it("is not excluded where it only starts a program again", async () => {
    await calm();
    await worker(2).killProgram();
    await stays([], 2);
    await worker(2).startProgram();
    await stays([], 1);
    expect(await excluded()).toEqual([]);
  });

  it("is excluded where its program stays dead", async () => {
    await calm();
    await worker(2).killProgram();
    expect(await until(["worker-2"])).toBeGreaterThan(4);
    await worker(2).startProgram();
    await until([]);
  });

  it("is never the last: the one who comes back first is let in at once", async () => {
    await calm();
    await worker(1).cutPower();
    await worker(2).cutPower();
    await until(["worker-1", "worker-2"]);
    await worker(3).cutPower();
    await stays(["worker-1", "worker-2"], 2);
    await worker(1).boot();
    expect(await until(["worker-2", "worker-3"])).toBeLessThan(1.5);
    await Promise.all([worker(2).boot(), worker(3).boot()]);
    await until([]);
  });

  it("is left as it is where a person has excluded it", async () => {
    await calm();
    await admin.patch(at("worker-2"), { metadata: { labels: { [EXCLUDE_LABEL]: "true" } } });
    await worker(2).cutPower();
    await stays(["worker-2"], 2);
    await worker(2).boot();
    await stays(["worker-2"], RETURN_SECONDS + 2);
    const { metadata } = await admin.get<Node>(at("worker-2"));
    expect(metadata?.annotations?.[EXCLUDED_BY_ANNOTATION]).toBeUndefined();
    await admin.patch(at("worker-2"), { metadata: { labels: { [EXCLUDE_LABEL]: null } } });
  });

  it("is excluded as soon as an API server that was away is back", async () => {
    await calm();
    await plane.apiServer.kill();
    await worker(1).cutPower();
    await sleep(3000);
    await plane.apiServer.start();
    expect(await until(["worker-1"])).toBeLessThan(2);
    await worker(1).boot();
    await until([]);
  });

  it("is let in again by a watchdog that was started anew, and one that is killed changes nothing", async () => {
    await calm();
    await worker(3).cutPower();
    await until(["worker-3"]);
    await ecam.kill();
    await worker(3).boot();
    await stays(["worker-3"], 1);
    await ecam.start();
    expect(await until([])).toBeGreaterThan(RETURN_SECONDS - 1);
  });
});

describe("the host names of the site", () => {
  const INGRESSES: Resource<Ingress> = { group: "networking.k8s.io", version: "v1", plural: "ingresses" };
  const FROM = { resource: INGRESSES, namespace: "default" };
  const route = (name: string, hosts: readonly string[], managed = true): Ingress => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name, ...(managed && { labels: { [MANAGED_LABEL]: "true" } }) },
    spec: {
      rules: hosts.map((host) => ({ host })),
      defaultBackend: { service: { name: "app", port: { number: 80 } } },
    },
  });
  const told = (hosts: readonly string[]) =>
    vi.waitFor(() => expect(ecam.hosts()).toEqual(hosts), { timeout: 10_000, interval: 20 });

  it("are those of the federation's Ingresses, as they come and go", async () => {
    await told([]);
    await admin.create(FROM, route("app", ["b.home.test", "a.home.test", "*.c.home.test"]));
    await admin.create(FROM, route("own", ["own.home.test"], false));
    await admin.create(FROM, route("more", ["a.home.test", "d.home.test"]));
    await told(["a.home.test", "b.home.test", "d.home.test"]);
    await admin.delete({ ...FROM, name: "app" });
    await told(["a.home.test", "d.home.test"]);
    expect(ecam.hosts()).not.toContain("own.home.test");
  });

  it("stay while the API is away", async () => {
    await plane.apiServer.kill();
    await sleep(2000);
    expect(ecam.hosts()).toEqual(["a.home.test", "d.home.test"]);
    await plane.apiServer.start();
    await admin.delete({ ...FROM, name: "more" });
    await told([]);
  });
});

describe("requests for the certificates that kubelets serve with", () => {
  const ask = async (name: string, subject: string, names: string, signerName = KUBELET_SERVING) => {
    const kube = plane.open(await plane.user("system:node:worker-1", ["system:nodes", "system:masters"]));
    const request = await certificateRequest(subject, names);
    await kube.create(
      { resource: REQUESTS },
      {
        apiVersion: "certificates.k8s.io/v1",
        kind: "CertificateSigningRequest",
        metadata: { name },
        spec: { signerName, request, usages: ["digital signature", "server auth"] },
      },
    );
  };
  const conditions = async (name: string) =>
    (await admin.get({ resource: REQUESTS, name })).status?.conditions?.map(({ type }) => type) ?? [];
  const OWN = "/O=system:nodes/CN=system:node:worker-1";

  it("are approved for the node's own name and address, and for nothing else", async () => {
    await ask("another", OWN, `DNS:worker-1,IP:${worker(2).address}`);
    await ask("master", "/O=system:masters/CN=system:node:worker-1", `IP:${worker(1).address}`);
    await ask("own", OWN, `DNS:worker-1,IP:${worker(1).address}`);
    await vi.waitFor(async () => expect(await conditions("own")).toEqual(["Approved"]), {
      timeout: 20_000,
      interval: 50,
    });
    await sleep(2000);
    for (const name of ["another", "master"]) expect(await conditions(name)).toEqual([]);
    expect(ecam.log()).toContain(`does not approve the request another: it asks for ${worker(2).address}`);
    expect(ecam.log()).toContain("approves the certificate that worker-1 serves with");
  });

  it("of other signers can't be approved with the ECAMs' credential", async () => {
    await ask("client", OWN, "DNS:worker-1", "example.com/mine");
    const kube = plane.open(await plane.user(WATCHDOG_USER, [WATCHDOG_GROUP]));
    const ref = { resource: REQUESTS, name: "client" };
    const request = await kube.get(ref);
    const approved = { type: "Approved", status: "True", reason: "Test", message: "" };
    await expect(
      kube.replace({ ...ref, subresource: "approval" }, { ...request, status: { conditions: [approved] } }),
    ).rejects.toThrow("forbidden");
    for (const name of ["another", "master", "own", "client"])
      await admin.delete({ resource: REQUESTS, name });
  });
});

describe("of two ECAMs", () => {
  it("the one that holds the VIP acts, and the other does at once when it takes it", async () => {
    await calm();
    const other = await openEcam(plane, lan, "ecam-2", lan.address(6));
    try {
      await other.start();
      await sleep(2000);
      await lan.leave(ecam.vip);
      await worker(1).cutPower();
      await stays([], 2);
      await lan.hold(other.vip);
      expect(await until(["worker-1"])).toBeLessThan(0.5);
      await lan.leave(other.vip);
      await lan.hold(ecam.vip);
      await worker(1).boot();
      await until([]);
      expect(ecam.log()).toContain("lets worker-1 in again");
    } finally {
      await other.remove();
    }
  });
});

describe("the watchdog's credential", () => {
  const label = (value: string | null) => ({ metadata: { labels: { [EXCLUDE_LABEL]: value } } });
  const signed = (value: string | null, by: string | null) => ({
    metadata: { ...label(value).metadata, annotations: { [EXCLUDED_BY_ANNOTATION]: by } },
  });

  beforeAll(async () => {
    if (obstacle === undefined) await ecam.kill();
  });

  it("reads nodes and nothing else", async () => {
    const kube = plane.open(await plane.user(WATCHDOG_USER, [WATCHDOG_GROUP]));
    expect((await kube.list({ resource: NODES })).items).toHaveLength(3);
    for (const plural of ["secrets", "configmaps", "pods", "services", "endpoints"])
      await expect(kube.list({ resource: { group: "", version: "v1", plural } })).rejects.toThrow(
        "forbidden",
      );
    await expect(kube.create({ resource: NODES }, nodeCalled("worker-9"))).rejects.toThrow("forbidden");
    await expect(kube.delete(at("worker-1"))).rejects.toThrow("forbidden");
    const status = { ...at("worker-1"), subresource: "status" };
    await expect(kube.patch(status, { status: { phase: "Running" } })).rejects.toThrow("forbidden");
    await kube.patch(at("worker-1"), signed("true", "ecam-1"));
    await kube.patch(at("worker-1"), signed(null, null));
  });

  describe("with every right that RBAC can give", () => {
    let kube: Kube;
    beforeAll(async () => {
      if (obstacle === undefined) kube = plane.open(await plane.user(WATCHDOG_USER, ["system:masters"]));
    });

    it.each<[string, object]>([
      ["a taint", { spec: { taints: [{ key: "a", effect: "NoExecute" }] } }],
      ["cordoning", { spec: { unschedulable: true } }],
      ["another label", { metadata: { labels: { "node-role.kubernetes.io/control-plane": "" } } }],
      ["the end of a label", { metadata: { labels: { kept: null } } }],
      ["another annotation", { metadata: { annotations: { other: "x" } } }],
      ["a finalizer", { metadata: { finalizers: ["example.com/kept"] } }],
      [
        "an owner",
        { metadata: { ownerReferences: [{ apiVersion: "v1", kind: "Node", name: "a", uid: "b" }] } },
      ],
      ["an exclusion that it does not sign", label("true")],
      ["an exclusion with another value", signed("false", "ecam-1")],
      ["an exclusion and a taint", { ...signed("true", "ecam-1"), spec: { unschedulable: true } }],
    ])("can't write %s", async (_what, patch) => {
      await admin.patch(at("worker-1"), { metadata: { labels: { kept: "yes" } } });
      const before = await admin.get<KubeObject>(at("worker-1"));
      await expect(kube.patch(at("worker-1"), patch)).rejects.toThrow(/the watchdog/);
      expect(await admin.get<KubeObject>(at("worker-1"))).toEqual(before);
    });

    it("can't make, delete or report on a node", async () => {
      await expect(kube.create({ resource: NODES }, nodeCalled("worker-9"))).rejects.toThrow("the watchdog");
      await expect(kube.delete(at("worker-1"))).rejects.toThrow("the watchdog");
      const status = { ...at("worker-1"), subresource: "status" };
      await expect(kube.patch(status, { status: { phase: "Running" } })).rejects.toThrow("the watchdog");
    });

    it("can't take over, change or end what a person has said", async () => {
      await admin.patch(at("worker-1"), label("by-hand"));
      for (const patch of [label(null), signed(null, null), signed("true", "ecam-1"), signed("by-hand", "x")])
        await expect(kube.patch(at("worker-1"), patch)).rejects.toThrow("somebody else");
      await admin.patch(at("worker-1"), label(null));
      await kube.patch(at("worker-1"), signed("true", "ecam-1"));
      await expect(kube.patch(at("worker-1"), signed("true", null))).rejects.toThrow("somebody else");
      await kube.patch(at("worker-1"), signed(null, null));
    });
  });

  it("is fenced by a policy that people don't feel", async () => {
    const node = await admin.patch<Node>(at("worker-1"), { spec: { unschedulable: true } });
    expect(node.spec?.unschedulable).toBe(true);
  });
});
