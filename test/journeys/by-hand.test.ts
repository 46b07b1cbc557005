/** What a person does with clusters that are there: a hub and two members, by commands alone, with a kubeconfig each. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runProcess } from "#base/process.ts";
import { type Plane, startPlanes } from "../kube/plane.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import { until } from "./federation.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
const CONFIG_MAPS = { group: "", version: "v1", plural: "configmaps" };
const APP = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: shop }
data: { colour: blue }
`;

const obstacle = await planeObstacle();

describe("a federation made by hand", () => {
  let planes: readonly Plane[] = [];
  const agents: ChildProcess[] = [];
  const dir = mkdtempSync(join(tmpdir(), "panopticon-by-hand-"));
  const run = (...argv: readonly string[]) => runProcess([process.execPath, MAIN, ...argv]);
  const colours = () =>
    Promise.all(
      planes.map(async (plane) => {
        const map = await plane.open().find({ resource: CONFIG_MAPS, namespace: "shop", name: "settings" });
        return (map as { data?: { colour?: string } } | undefined)?.data?.colour;
      }),
    );

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle === undefined) planes = await startPlanes(3);
  });
  afterAll(async () => {
    for (const agent of agents) agent.kill("SIGKILL");
    await Promise.all(planes.map((plane) => plane.remove()));
    rmSync(dir, { recursive: true, force: true });
  });

  it("needs no word on the hub's site before its agent has one", async () => {
    const [hub] = planes as [Plane];
    const begun = await run("federate", "init", "--kubeconfig", hub.kubeconfig);
    expect(begun.stderr).toBe("");
    expect(begun.stdout).toContain("This cluster is the hub");
    const again = await run("federate", "init", "--kubeconfig", hub.kubeconfig);
    expect(again.code).toBe(0);
    for (const [index, plane] of planes.entries()) {
      const own = ["agent", "run", "--site", ["attic", "cellar", "barn"][index] ?? ""];
      const files = ["--kubeconfig", plane.kubeconfig, "--hub-kubeconfig", hub.kubeconfig];
      agents.push(spawn(process.execPath, [MAIN, ...own, ...files], { stdio: "ignore" }));
    }
    await until("every site is ready", 60, async () => {
      const { stdout } = await run("site", "list", "--kubeconfig", hub.kubeconfig, "-o", "json");
      const { sites } = JSON.parse(stdout) as {
        sites: { name: string; ready?: boolean; crowned: boolean }[];
      };
      const crowned = sites.filter((site) => site.crowned).map(({ name }) => name);
      return sites.length === 3 && sites.every(({ ready }) => ready) && crowned.join() === "attic";
    });
  });

  it("brings a file to every site, and a change of it, and takes it away", async () => {
    const [hub] = planes as [Plane];
    const file = join(dir, "app.yaml");
    writeFileSync(file, APP);
    const at = ["--kubeconfig", hub.kubeconfig];
    for (const type of ["namespaces", "configmaps"])
      expect((await run("federate", "enable", type, ...at)).stderr).toBe("");
    const federated = await run("federate", file, ...at);
    expect(federated.stderr).toBe("");
    expect(federated.stdout).toContain("FederatedConfigMap shop/settings");
    await until("it is everywhere", 60, async () => (await colours()).join() === "blue,blue,blue");
    writeFileSync(file, APP.replace("blue", "red"));
    expect((await run("federate", file, ...at)).code).toBe(0);
    await until("the change is everywhere", 30, async () => (await colours()).join() === "red,red,red");
    const elsewhere = await run("federate", file, "--to", "attic,shed", ...at);
    expect([elsewhere.code, elsewhere.stderr]).toEqual([2, expect.stringContaining("no site shed")]);
    expect((await run("federate", file, "--to", "attic,cellar", ...at)).stderr).toBe("");
    await until("it is gone from the third", 30, async () => (await colours()).join() === "red,red,");
    writeFileSync(file, APP);
    expect((await run("federate", file, ...at)).stderr).toBe("");
    await until(
      "the change stays where it is placed",
      30,
      async () => (await colours()).join() === "blue,blue,",
    );
    const resource = { group: "types.kubefed.io", version: "v1beta1", plural: "federatedconfigmaps" };
    await hub.open().delete({ resource, namespace: "shop", name: "settings" });
    await until("it is gone everywhere", 30, async () => (await colours()).join() === ",,");
  });
});
