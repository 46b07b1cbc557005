/** Bad input to a federation: each has a code, words and an exit status, or a condition that says what is wrong. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { runProcess } from "#base/process.ts";
import type { KubeObject } from "#ports/kube.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import { freePorts } from "../kube/ports.ts";
import {
  createMap,
  type Federation,
  federatedMap,
  federatedRef,
  mapRef,
  type Site,
  startFederation,
  until,
} from "./federation.ts";

const obstacle = await planeObstacle();
const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
const dir = mkdtempSync(join(tmpdir(), "panopticon-mistakes-"));

interface Told extends KubeObject {
  readonly status?: {
    readonly conditions?: readonly {
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly clusters?: readonly { readonly status?: string; readonly message?: string }[];
  };
}

let federation: Federation;
let hub: Site;
const run = async (...argv: readonly string[]) => {
  const own = argv.includes("--kubeconfig") ? [] : ["--kubeconfig", federation.kubeconfig];
  return runProcess([process.execPath, MAIN, ...argv, ...own]);
};
const statusOf = async (name: string) => ((await hub.kube.get(federatedRef(name))) as Told).status;
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

beforeEach((context) => skipWithoutPlanes(context, obstacle));
beforeAll(async () => {
  if (obstacle !== undefined) return;
  federation = await startFederation(1);
  [hub] = federation.sites as [Site];
});
afterAll(async () => {
  await federation?.remove();
  rmSync(dir, { recursive: true });
});

it.each([
  [
    "a file that is no YAML",
    () => ["federate", file("garbage.yaml", "{ a: b: c")],
    "FEDERATION_FILE_SYNTAX",
    2,
  ],
  ["a file without objects", () => ["federate", file("text.yaml", "hello")], "FEDERATION_NO_OBJECT", 2],
  ["a folder", () => ["federate", dir], "CLI_FILE_IS_FOLDER", 2],
  ["a file that is not there", () => ["federate", join(dir, "none.yaml")], "CLI_FILE_MISSING", 2],
  [
    "a type that is not federated",
    () => ["federate", file("secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n")],
    "FEDERATION_TYPE_NOT_ENABLED",
    2,
  ],
  ["a type that there is not", () => ["federate", "enable", "unicorns"], "FEDERATION_TYPE_UNKNOWN", 2],
  ["a context that there is not", () => ["crown", "show", "--context", "loft"], "KUBECONFIG_NO_CONTEXT", 2],
  ["a site that there is not", () => ["crown", "move", "--to", "loft"], "FEDERATION_CROWN_UNKNOWN_SITE", 2],
  [
    "a crown for an external cloud",
    () => ["crown", "move", "--to", "cloud"],
    "FEDERATION_CROWN_NOT_ELIGIBLE",
    2,
  ],
] as const)("refuses %s in words", async (_, argv, code, exit) => {
  if (code === "FEDERATION_CROWN_NOT_ELIGIBLE") {
    const cloud = { name: "cloud", kind: "cloud", seat: 0, endpoints: [] };
    const crown = {
      resource: { group: "federation.panopticon.dev", version: "v1", plural: "crowns" },
      name: "crown",
    };
    await hub.kube.patch(crown, [{ op: "add", path: "/spec/sites/-", value: cloud }]);
  }
  const { code: ended, stderr } = await run(...argv());
  expect(stderr).toContain(code);
  expect(ended).toBe(exit);
  expect(stderr).toMatch(/→ \S/);
  expect(stderr).not.toMatch(/^ +at /m);
});

it("says in words that an API can't be reached", async () => {
  const [port] = await freePorts(1);
  const access = `apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "https://127.0.0.1:${port}"}}]
users: [{name: a, user: {token: x}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
current-context: a
`;
  const { code, stderr } = await run("site", "list", "--kubeconfig", file("dead", access));
  expect(stderr).toMatch(/^KUBE_UNREACHABLE /m);
  expect(code).toBe(3);
  expect(stderr).not.toMatch(/^ +at /m);
});

it("tells at the resource that no API accepts its template", async () => {
  await createMap(hub.kube, federatedMap("broken", {}, { template: { data: { "not a key!": "1" } } }));
  await until(
    "it is told",
    60,
    async () => (await statusOf("broken"))?.clusters?.[0]?.status === "CreationFailed",
    [hub],
  );
  expect((await statusOf("broken"))?.clusters?.[0]?.message).toMatch(/not a key!/);
  await until(
    "it is summed up",
    20,
    async () => (await statusOf("broken"))?.conditions?.[0]?.reason === "CheckClusters",
    [hub],
  );
});

it("tells at the resource which override does not apply, and leaves what is there as it is", async () => {
  await createMap(hub.kube, federatedMap("patched", { value: "1" }));
  await until("it is there", 60, async () => (await hub.kube.find(mapRef("patched"))) !== undefined, [hub]);
  const clusterOverrides = [{ op: "remove", path: "/data/absent" }];
  await hub.kube.patch(federatedRef("patched"), {
    spec: { overrides: [{ clusterName: hub.name, clusterOverrides }] },
  });
  await until(
    "it is told",
    60,
    async () => (await statusOf("patched"))?.clusters?.[0]?.status === "ApplyOverridesFailed",
    [hub],
  );
  expect((await statusOf("patched"))?.clusters?.[0]?.message).toMatch(/\/data\/absent/);
  expect((await hub.kube.get(mapRef("patched"))).data).toEqual({ value: "1" });
});

it("tells at the resource that its selector matches no site", async () => {
  const placement = { clusterSelector: { matchLabels: { moon: "yes" } } };
  await createMap(hub.kube, federatedMap("nowhere", { value: "1" }, { placement }));
  await until(
    "it is told",
    60,
    async () => (await statusOf("nowhere"))?.conditions?.[0]?.message !== undefined,
    [hub],
  );
  expect((await statusOf("nowhere"))?.conditions?.[0]).toMatchObject({
    status: "True",
    message: "no cluster is selected",
  });
});

it.each([
  [{ matchExpressions: [{ key: "a", operator: "Near", values: ["b"] }] }, /operator/],
  [{ matchExpressions: [{ key: "a", operator: "In" }] }, /In and NotIn need values/],
])("refuses a selector that can't be read: %j", async (clusterSelector, words) => {
  await expect(
    createMap(hub.kube, federatedMap("unreadable", {}, { placement: { clusterSelector } })),
  ).rejects.toThrow(words);
});
