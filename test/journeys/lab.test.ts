/**
 * A whole site on real components, used as a person would: killed while it is
 * brought up, brought up, looked at, hurt, mended, taken down.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Delegation } from "#app/dns/delegation.ts";
import type { SiteStatus } from "#app/lab-status.ts";
import { cutPower } from "#drivers/lab/machine.ts";
import { labNames } from "#drivers/lab/names.ts";
import { removeNamespace } from "#drivers/lab/netns.ts";
import { validated } from "../names/delv.ts";
import { echoAnswers } from "./echo.ts";
import { type HostPicture, hostPicture } from "./host.ts";
import { kubectlAt } from "./kubectl.ts";
import { finish, freshState, killAll, kubeconfig, panopticon, start } from "./panopticon.ts";

const FEDERATION = "journey";
const NAMES_VIP = "10.77.0.9";
const FILE = join(import.meta.dirname, "one-site.yaml");
/** Moments, in seconds after the start, at which `lab up` is killed; drawn anew each time, and shown. */
const KILLS = Array.from({ length: 10 }, () => Math.round(Math.random() * 250) / 10);
/** The same for `server replace`. */
const REPLACE_KILLS = Array.from(
  { length: 4 },
  (_, index) => 2 + index * 6 + Math.round(Math.random() * 80) / 10,
);

interface Status {
  readonly well: boolean;
  readonly sites: readonly SiteStatus[];
}

describe("one site", () => {
  const state = freshState();
  let before: HostPicture;

  beforeAll(async () => {
    before = await hostPicture();
  });

  afterAll(async () => {
    await panopticon(state, "lab", "down", FILE);
    rmSync(state, { recursive: true, force: true });
  });

  it(`comes up although \`lab up\` is killed after ${KILLS.join(", ")} s`, async () => {
    for (const seconds of KILLS) {
      const child = start(state, ["lab", "up", FILE, "--yes"]);
      const timer = setTimeout(() => killAll(child), seconds * 1000);
      await finish(child);
      clearTimeout(timer);
    }
    const { code, stderr } = await panopticon(state, "lab", "up", FILE, "--yes");
    expect(code, stderr).toBe(0);
    const status = await labStatus(state);
    expect(status.well, JSON.stringify(status, null, 2)).toBe(true);
  });

  it("has nothing to change afterwards, and says so", async () => {
    const { code, stdout } = await panopticon(state, "lab", "up", FILE, "--yes", "-o", "json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ changes: 0 });
  });

  it("is reached by kubectl from the host through the VIP", async () => {
    expect((await panopticon(state, "kubeconfig", FILE)).code).toBe(0);
    const nodes = await kubectl(
      state,
      "get",
      "nodes",
      "-o",
      "jsonpath={range .items[*]}{.metadata.name} {.status.nodeInfo.kubeletVersion} {end}",
    );
    const names = ["cp-1", "cp-2", "cp-3", "worker-1", "worker-2"].map((name) => `shed-${name} v1.36.3`);
    expect(nodes.trim()).toBe(names.join(" "));
    const server = await kubectl(state, "config", "view", "-o", "jsonpath={.clusters[0].cluster.server}");
    expect(server).toBe("https://10.77.0.10:6443");
  });

  it("signs its names with the key that its registrar was given", async () => {
    const { stdout } = await panopticon(state, "dns", "ds", FILE, "-o", "json");
    const signer = JSON.parse(stdout) as Delegation;
    const { domain } = signer;
    const question = { domain, signer, address: NAMES_VIP, port: 53 };
    expect(await validated(`app.${domain}`, question)).toMatch(/^; fully validated$/m);
  });

  it("runs an app whose two replicas, on two nodes, answer a pod through their ClusterIP", async () => {
    const nodes = await echoAnswers(kubectlAt(kubeconfig(state), "shed"));
    expect(nodes.size).toBe(2);
  });

  it("brings a control plane that lost its power back as the same machine", async () => {
    const id = await machineId(state, "shed-cp-2");
    const members = await etcdMembers(state);
    await cutPower(FEDERATION, "shed-cp-2");
    const hurt = await labStatus(state);
    expect(hurt.well).toBe(false);
    expect(hurt.sites[0]?.machines.find(({ name }) => name === "shed-cp-2")?.state).toBe("off");
    const { code, stderr } = await panopticon(state, "lab", "up", FILE, "--yes");
    expect(code, stderr).toBe(0);
    expect((await labStatus(state)).well).toBe(true);
    expect(await machineId(state, "shed-cp-2")).toBe(id);
    expect(await etcdMembers(state)).toEqual(members);
  });

  it("keeps its API when the ECAM that holds the VIP loses its power", async () => {
    const [holder = ""] = (await labStatus(state)).sites[0]?.holders ?? [];
    await cutPower(FEDERATION, holder);
    await expect.poll(() => kubectl(state, "get", "--raw", "/readyz"), { timeout: 30_000 }).toBe("ok");
    const after = (await labStatus(state)).sites[0];
    expect(after?.holders).toHaveLength(1);
    expect(after?.holders).not.toContain(holder);
    const { code, stderr } = await panopticon(state, "lab", "up", FILE, "--yes");
    expect(code, stderr).toBe(0);
    expect((await labStatus(state)).well).toBe(true);
  });

  it("is not taken for its own by a run with another state folder, which could not even take it down", async () => {
    const stranger = freshState();
    for (const command of ["up", "down"]) {
      const { code, stderr } = await panopticon(stranger, "lab", command, FILE);
      expect(code).toBe(3);
      expect(stderr).toContain("LAB_OTHER_STATE");
    }
    rmSync(stranger, { recursive: true, force: true });
    expect((await labStatus(state)).well).toBe(true);
  });

  it("refuses another lab whose LAN this host already reaches, and harms neither", async () => {
    const other = join(state, "other.yaml");
    writeFileSync(other, readFileSync(FILE, "utf8").replace("name: journey", "name: other"));
    const { code, stderr } = await panopticon(state, "lab", "up", other, "--yes");
    expect(code).toBe(3);
    expect(stderr).toContain("LAB_ROUTE_CLASH");
    expect((await panopticon(state, "lab", "down", other)).code).toBe(0);
    expect((await labStatus(state)).well).toBe(true);
  });

  it(`replaces a server that died for good, although it is killed after ${REPLACE_KILLS.join(", ")} s`, async () => {
    const spare = join(state, "spare.yaml");
    writeFileSync(spare, readFileSync(FILE, "utf8").replace("name: right", "name: spare"));
    const replace = ["server", "replace", "shed/right", "shed/spare", spare];
    const living = await panopticon(state, ...replace);
    expect(living.code).toBe(2);
    expect(living.stderr).toContain("SERVER_REPLACE_LIVES");

    const machines = (await labStatus(state)).sites[0]?.machines ?? [];
    const dead = machines.filter(({ server }) => server === "right").map(({ name }) => name);
    expect(dead).toEqual(["shed-ecam-2", "shed-cp-2", "shed-worker-2"]);
    // For good: with their disks, and with the networks that would still refuse connections.
    const folders = join(state, "panopticon", FEDERATION, "lab/machines");
    for (const name of dead) {
      await cutPower(FEDERATION, name);
      await removeNamespace(labNames(FEDERATION).machine(name));
      rmSync(join(folders, name), { recursive: true });
    }

    const unchanged = await panopticon(state, "server", "replace", "shed/right", "shed/spare", FILE);
    expect(unchanged.stderr).toContain("SERVER_REPLACE_OLD_IN_FILE");
    const planned = await panopticon(state, ...replace, "--dry-run");
    expect(planned.code, planned.stderr).toBe(0);
    expect(planned.stderr).toMatch(/shed-cp-2: .*take its etcd member .* out: then 2 voting members/);
    expect(planned.stderr).toContain("1 of 3 control planes of shed away");
    expect(await etcdMembers(state)).toHaveLength(3);

    for (const seconds of REPLACE_KILLS) {
      const child = start(state, replace);
      const timer = setTimeout(() => killAll(child), seconds * 1000);
      await finish(child);
      clearTimeout(timer);
    }
    const { code, stdout, stderr } = await panopticon(state, ...replace, "-o", "json");
    // The last one may have come to its end before it was to be killed.
    expect(code === 0 || stdout.includes("SERVER_REPLACE_UNKNOWN"), stdout + stderr).toBe(true);
    const { verified = [] } = JSON.parse(stdout || "{}") as { verified?: { good: boolean }[] };
    expect(verified.filter(({ good }) => !good)).toEqual([]);

    const members = await etcdMembers(state);
    expect(members.map((line) => line.split(", ").slice(1, 3).join(" "))).toEqual(
      expect.arrayContaining(["started shed-cp-1", "started shed-cp-2", "started shed-cp-3"]),
    );
    expect(members).toHaveLength(3);
    expect(members.filter((line) => !line.endsWith("false"))).toEqual([]);
    const status = await labStatus(state);
    expect(status.well, JSON.stringify(status, null, 2)).toBe(true);
    expect(status.sites[0]?.machines.filter(({ server }) => server === "spare")).toHaveLength(3);
    const zones = await kubectl(state, "get", "nodes", "-L", "topology.kubernetes.io/zone", "--no-headers");
    expect(zones.match(/spare/g)).toHaveLength(2);
    const up = await panopticon(state, "lab", "up", spare, "--yes", "-o", "json");
    expect(up.code, up.stderr).toBe(0);
    expect(JSON.parse(up.stdout), up.stderr).toMatchObject({ changes: 0 });
  });

  it("is adopted where its operator's state was lost, and then has nothing to change", async () => {
    const spare = join(state, "spare.yaml");
    const own = join(state, "panopticon", FEDERATION);
    const lost = join(state, "lost");
    mkdirSync(lost);
    const files = readdirSync(own).filter((name) => name !== "lab");
    expect(files).toEqual(expect.arrayContaining(["plan.json", "pki", "ssh", "names", "edge"]));
    for (const name of files) renameSync(join(own, name), join(lost, name));
    expect((await panopticon(state, "lab", "status", spare)).stderr).toContain("LAB_NOT_UP");

    const { code, stderr } = await panopticon(state, "adopt", spare);
    expect(code, stderr).toBe(0);
    const read = (folder: string, path: string) => readFileSync(join(folder, path), "utf8");
    for (const path of ["pki/shed/ca.key", "names/zone-key.pem", "edge/ca.key", "edge/panels"])
      expect(read(own, path)).toBe(read(lost, path));
    expect(read(own, "ssh/operator")).not.toBe(read(lost, "ssh/operator"));
    expect((await labStatus(state)).well).toBe(true);
    const up = await panopticon(state, "lab", "up", spare, "--yes", "-o", "json");
    expect(up.code, up.stderr).toBe(0);
    expect(JSON.parse(up.stdout), up.stderr).toMatchObject({ changes: 0 });
    const again = await panopticon(state, "adopt", spare, "-o", "json");
    expect(JSON.parse(again.stdout)).toMatchObject({ written: 0, differs: [] });

    writeFileSync(join(own, "edge/panels"), "another one");
    const refused = await panopticon(state, "adopt", spare);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("ADOPT_STATE_DIFFERS");
    expect(refused.stderr).not.toContain(read(lost, "edge/panels"));
    renameSync(join(lost, "edge/panels"), join(own, "edge/panels"));
  });

  it("says in a dry run what it would mend, and mends nothing", async () => {
    await cutPower(FEDERATION, "shed-worker-1");
    const { code, stdout } = await panopticon(state, "lab", "up", FILE, "--dry-run", "-o", "json");
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { changes: number }).changes).toBeGreaterThan(0);
    const worker = (await labStatus(state)).sites[0]?.machines.find(({ name }) => name === "shed-worker-1");
    expect(worker?.state).toBe("off");
  });

  it("leaves nothing behind when it is taken down", async () => {
    const { code, stderr } = await panopticon(state, "lab", "down", FILE);
    expect(code, stderr).toBe(0);
    expect(await hostPicture()).toEqual(before);
  });

  it("leaves nothing behind when it is taken down after a killed `lab up`", async () => {
    const child = start(state, ["lab", "up", FILE, "--yes"]);
    const timer = setTimeout(() => killAll(child), 8_000);
    await finish(child);
    clearTimeout(timer);
    expect((await panopticon(state, "lab", "down", FILE)).code).toBe(0);
    expect(await hostPicture()).toEqual(before);
  });
});

async function labStatus(state: string): Promise<Status> {
  const { stdout } = await panopticon(state, "lab", "status", FILE, "-o", "json");
  return JSON.parse(stdout) as Status;
}

function kubectl(state: string, ...argv: readonly string[]): Promise<string> {
  return kubectlAt(kubeconfig(state), "shed")(argv);
}

async function onMachine(state: string, machine: string, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await panopticon(
    state,
    "lab",
    "shell",
    machine,
    "-f",
    FILE,
    "--",
    ...words,
  );
  expect(code, stderr).toBe(0);
  return stdout;
}

/** Ids and names of etcd's members, which stay when a machine comes back as itself. */
async function etcdMembers(state: string): Promise<readonly string[]> {
  const pki = "/etc/kubernetes/pki/etcd";
  const tls = [
    `--cacert=${pki}/ca.crt`,
    `--cert=${pki}/healthcheck-client.crt`,
    `--key=${pki}/healthcheck-client.key`,
  ];
  const list = await onMachine(state, "shed-cp-1", "etcdctl", ...tls, "member", "list", "--write-out=simple");
  return list.trim().split("\n").sort();
}

function machineId(state: string, machine: string): Promise<string> {
  return onMachine(state, machine, "cat", "/etc/machine-id");
}
