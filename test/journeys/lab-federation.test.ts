/**
 * Two whole sites as one federation, used as a person would: an app on both,
 * the crown's site without power, the crown taken, a change made, the site back.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readFederation } from "#app/files.ts";
import type { SiteHeard } from "#app/lab-internet.ts";
import type { LabStatus } from "#app/lab-status.ts";
import type { FederationStatus } from "#app/status.ts";
import { openLab } from "#drivers/lab/driver.ts";
import { openLabFaults } from "#drivers/lab/faults.ts";
import { makePlan } from "#plan/make.ts";
import { machinesOf, type Plan, type SitePlan } from "#plan/plan.ts";
import { type Asking, keepAsking } from "./asking.ts";
import { echoAnswers } from "./echo.ts";
import { type Kubectl, kubectlAt } from "./kubectl.ts";
import { keptNote, servicesAtRealSites } from "./lab-services.ts";
import { freshState, kubeconfig, panopticon, type Ran } from "./panopticon.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
const FILE = join(EXAMPLES, "two-sites.yaml");
const APP = join(EXAMPLES, "apps/shop.yaml");
const SITES = ["attic", "cellar"];
const SHOP = "shop";
/** The service that `lab up` ends with. */
const SAMPLE = "echo.home.test";
const SYSTEM = "kube-federation-system";
const AGENT = "panopticon-agent";
const WAIT = { timeout: 180_000, interval: 500 };

describe("a federation of two sites", () => {
  const state = freshState();
  let plan: Plan;
  let attic: SitePlan;
  let cellar: SitePlan;
  let asking: Asking | undefined;
  let before: readonly string[] = [];

  beforeAll(async () => {
    plan = await makePlan(await readFederation(FILE));
    [attic, cellar] = plan.sites as [SitePlan, SitePlan];
  });

  afterAll(async () => {
    await asking?.end();
    await panopticon(state, "lab", "down", FILE);
    rmSync(state, { recursive: true, force: true });
  });

  const run = async (...argv: readonly string[]): Promise<Ran> => {
    const ran = await panopticon(state, ...argv);
    expect(ran.code, `${argv.join(" ")}\n${ran.stderr}`).toBe(0);
    return ran;
  };
  const at = (site: string): Kubectl => kubectlAt(kubeconfig(state), site);
  const inShop = (site: string, ...argv: readonly string[]) => at(site)(["--namespace", SHOP, ...argv]);
  const replicas = (site: string) =>
    inShop(site, "get", "deployment", "echo", "-o", "jsonpath={.status.readyReplicas}").catch(() => "");
  const greeting = (site: string) =>
    inShop(site, "get", "configmap", "words", "-o", "jsonpath={.data.greeting}").catch(() => "");
  const status = async (...argv: readonly string[]): Promise<FederationStatus> =>
    JSON.parse((await panopticon(state, "status", ...argv, "-o", "json")).stdout) as FederationStatus;

  it("comes up by the README's first command, joined, and there is nothing to change then", async () => {
    const { stdout } = await run("lab", "up", "--yes");
    for (const site of SITES) expect(stdout).toContain(`${site}: 2 ECAMs, 3 control planes, 2 workers`);
    expect(stdout).toContain("panopticon lab status");
    expect(stdout).toContain("The crown is at attic (epoch 1001); 2 of 2 sites joined.");
    // Where everything has just started, probes are answered late for a while.
    await expect.poll(async () => (await status()).well, WAIT).toBe(true);
    const again = await run("lab", "up", FILE, "--yes", "-o", "json");
    expect(JSON.parse(again.stdout)).toMatchObject({ changes: 0, members: { crown: "attic", well: true } });
    const now = JSON.parse((await run("lab", "status", FILE, "-o", "json")).stdout) as LabStatus;
    expect(now).toMatchObject({ well: true, members: { crown: "attic", well: true } });
    expect(now.sites.map(({ name }) => name)).toEqual(SITES);
    for (const site of now.sites) {
      expect(site).toMatchObject({ well: true, api: "answers", etcd: { voting: 3, planned: 3 } });
      expect(site.holders).toHaveLength(1);
    }
    expect(await status()).toMatchObject({ crown: "attic", hub: "answers", well: true });
  });

  it.each(SITES)("runs an app on two nodes of %s that answers a pod through its ClusterIP", async (site) => {
    const nodes = await echoAnswers(at(site));
    expect(nodes.size).toBe(2);
  });

  it("answers from outside by the names it ends with, at any site and at each alone", async () => {
    await expect.poll(() => addresses("attic"), WAIT).toEqual(external(attic, cellar));
    await expect.poll(() => page(SAMPLE), WAIT).toContain(`host=${SAMPLE}`);
    for (const site of [attic, cellar]) {
      let said = "";
      await expect
        .poll(async () => (said = await page(`echo.${site.domain}`)), WAIT)
        .toContain(`host=${SAMPLE}`);
      expect(said).toContain(`client=${site.network.pods.split(".").slice(0, 2).join(".")}.`);
    }
    expect(await page(`control.${plan.domain}/traefik/api/overview`)).toContain("401");
    expect(await status()).toMatchObject({
      services: [{ name: "echo", hosts: [SAMPLE], sites: SITES.map((site) => ({ site, state: "well" })) }],
      names: [{ name: SAMPLE, addresses: external(attic, cellar) }],
    });
  });

  it.each(SITES)(
    "says what the nodes of %s use, as their kubelets tell over verified connections",
    async (site) => {
      const top = () => at(site)(["top", "nodes", "--no-headers"]).catch(() => "");
      await expect.poll(async () => (await top()).trim().split("\n").length, WAIT).toBe(5);
      expect(await top()).toMatch(/^attic-\S+ +\d+m +\d+% +\d+Mi|^cellar-\S+ +\d+m +\d+% +\d+Mi/);
      const { sites } = JSON.parse((await run("lab", "status", FILE, "-o", "json")).stdout) as LabStatus;
      expect(sites.find(({ name }) => name === site)).toMatchObject({ measured: 5 });
    },
  );

  servicesAtRealSites({
    state,
    plan: () => plan,
    authority: () => join(state, "panopticon", plan.federation, "edge", "ca.crt"),
    at: (site) => at(site),
    panopticon: (...argv) => panopticon(state, ...argv),
    page: (url) => page(url),
  });

  it("says in a dry run what somebody has taken away from a site's agents, and would bring it back", async () => {
    await at("cellar")(["delete", "poddisruptionbudget", AGENT, "--namespace", SYSTEM]);
    const { stdout } = await run("lab", "up", FILE, "--dry-run", "-o", "json");
    expect(JSON.parse(stdout)).toMatchObject({ changes: 1 });
  });

  it("has its credentials in a Secret that only the agent reads, and agents without rights of their pods", async () => {
    const path = "jsonpath={range .items[*]}{.spec.nodeName} {.status.phase}{'\\n'}{end}";
    const pods = await at("attic")(["get", "pods", "--namespace", SYSTEM, "-o", path]);
    const nodes = pods.trim().split("\n");
    expect(nodes).toHaveLength(2);
    expect(new Set(nodes.map((line) => line.split(" ")[0])).size).toBe(2);
    const can = (...argv: readonly string[]) =>
      at("cellar")(["auth", "can-i", ...argv, "--as=panopticon:agent:attic", "--as-group=panopticon:agents"]);
    await expect(can("get", "secrets", "--all-namespaces")).rejects.toThrow("no");
    await expect(can("create", "deployments", "--namespace", "default")).rejects.toThrow("no");
    expect((await can("list", "federateddeployments")).trim()).toBe("yes");
  });

  it("runs an app at both sites that was federated by one command", async () => {
    await run("federate", APP);
    for (const site of ["attic", "cellar"]) await expect.poll(() => replicas(site), WAIT).toBe("2");
    await expect.poll(async () => (await status()).well, WAIT).toBe(true);
    const port = await inShop("cellar", "get", "service", "echo", "-o", "jsonpath={.spec.ports[0].nodePort}");
    const doors = machinesOf(cellar, "worker").map(({ address }) => `http://${address}:${port}/`);
    asking = await keepAsking(doors);
    before = await belongings("attic", "cellar");
  });

  it("goes on at the other site when the crown's whole site loses its power, and drift is mended there", async () => {
    const lab = openLab({
      federation: plan.federation,
      labDir: join(state, "panopticon", plan.federation, "lab"),
      layers: [],
      fillContainerd: async () => undefined,
      limits: () => ({ memoryMiB: 512, cpus: 1, cpuShares: 1024 }),
    });
    const machines = attic.machines.map(({ name }) => name);
    await openLabFaults(plan.federation, lab).cutPower(attic, machines);
    await expect.poll(() => addresses("cellar"), WAIT).toEqual(external(cellar));
    expect(await page(SAMPLE)).toContain(`host=${SAMPLE}`);
    await expect.poll(async () => (await status("--context", "cellar")).hub, WAIT).toBe("does not answer");
    await inShop("cellar", "patch", "configmap", "words", "--patch", '{"data":{"greeting":"changed"}}');
    await expect.poll(() => greeting("cellar"), WAIT).toBe("hello");
    await inShop("cellar", "delete", "configmap", "words");
    await expect.poll(() => greeting("cellar"), WAIT).toBe("hello");
  });

  it("refuses its crown to half of the sites, says why, and gives it to who insists", async () => {
    const refused = await panopticon(state, "crown", "move", "--to", "cellar", "--take");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("--force");
    const { stdout } = await run("crown", "move", "--to", "cellar", "--take", "--force");
    expect(stdout).toContain("The crown is at cellar");
  });

  it("takes a change at the new hub while the old one is off", async () => {
    await inShop("cellar", "patch", "federateddeployment", "echo", "--type=merge", "--patch", REPLICAS);
    await inShop("cellar", "patch", "federatedconfigmap", "words", "--type=merge", "--patch", GREETING);
    await expect.poll(() => replicas("cellar"), WAIT).toBe("3");
    await expect.poll(() => greeting("cellar"), WAIT).toBe("good evening");
  });

  it("brings the old site up to speed when it has power again, as a member, with nothing deleted", async () => {
    const { stdout } = await run("lab", "up", FILE, "--yes");
    expect(stdout).toContain("The crown is at cellar");
    expect(stdout).toContain("panopticon crown move --to attic");
    await at("cellar")(["get", "poddisruptionbudget", AGENT, "--namespace", SYSTEM]);
    await expect.poll(() => replicas("attic"), WAIT).toBe("3");
    await expect.poll(() => greeting("attic"), WAIT).toBe("good evening");
    await expect.poll(async () => (await status("--context", "attic")).well, WAIT).toBe(true);
    expect(await status("--context", "attic")).toMatchObject({ crown: "cellar", conflicts: [] });
    expect(await belongings("attic", "cellar")).toEqual(before);
    await expect.poll(() => keptNote(at("attic")).catch(() => ""), WAIT).toBe("a note");
    for (const site of ["attic", "cellar"])
      await expect.poll(() => addresses(site), WAIT).toEqual(external(attic, cellar));
  });

  it("gives the crown back without losing a write, and the app never stopped", async () => {
    const { stdout } = await run("crown", "move", "--to", "attic", "--context", "cellar");
    expect(stdout).toContain("The crown is at attic");
    await expect.poll(async () => (await status()).well, WAIT).toBe(true);
    const { answers, failures, longestMs } = (await asking?.end()) ?? { answers: 0, failures: ["unasked"] };
    expect(failures, `${answers} answers, the longest wait ${longestMs} ms`).toEqual([]);
    expect(answers).toBeGreaterThan(100);
  });

  /** What is fetched from outside; empty where nothing answers. */
  async function page(url: string): Promise<string> {
    return (await panopticon(state, "lab", "curl", `https://${url}`, "--file", FILE)).stdout;
  }

  /** What a site's name server says of the sample's name. */
  async function addresses(site: string): Promise<readonly string[]> {
    const { stdout } = await panopticon(state, "lab", "dig", SAMPLE, "--file", FILE, "-o", "json");
    const { servers } = JSON.parse(stdout) as { readonly servers: readonly SiteHeard[] };
    const heard = servers.find((one) => one.site === site)?.records ?? [];
    return heard.map(({ value }) => value).toSorted();
  }

  /** What the sites have of the app, by uid: an object that was deleted and made again has another one. */
  async function belongings(...sites: readonly string[]): Promise<readonly string[]> {
    const path = "jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.uid}{'\\n'}{end}";
    const lists = sites.map(async (site) => {
      const text = await inShop(site, "get", "deployments,services", "-o", path);
      return text
        .trim()
        .split("\n")
        .map((line) => `${site} ${line}`);
    });
    return (await Promise.all(lists)).flat().toSorted();
  }
});

function external(...sites: readonly SitePlan[]): readonly string[] {
  return sites.flatMap(({ network }) => network.external).toSorted();
}

const REPLICAS = JSON.stringify({ spec: { template: { spec: { replicas: 3 } } } });
const GREETING = JSON.stringify({ spec: { template: { data: { greeting: "good evening" } } } });
