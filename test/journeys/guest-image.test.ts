/**
 * The images that `panopticon apply` gives to guests of Xen become nodes: the
 * lab's containers boot their root file systems instead of its own, and the
 * phases bring everything else over SSH, as they do on servers. Real Kubernetes
 * on an emulated Xen would take an hour; a Xen under the images is test/xen.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { siteAddOns } from "#app/add-ons.ts";
import { cacheDir, stateDir } from "#app/folders.ts";
import { readFederation } from "#app/files.ts";
import { serverComponents } from "#app/server-components.ts";
import { openSiteContext, type SiteConnection } from "#app/site-context.ts";
import { mustRun } from "#base/process.ts";
import { ensureImage } from "#components/guest/image.ts";
import { converge } from "#converge/engine.ts";
import { openGate } from "#converge/gate.ts";
import { openJournal } from "#converge/journal.ts";
import { PHASES } from "#converge/phases.ts";
import { siteStatus } from "#converge/status.ts";
import { cgroupVersion } from "#drivers/lab/cgroups.ts";
import { type Lab, openLab } from "#drivers/lab/driver.ts";
import type { Role } from "#model/federation.ts";
import { makePlan } from "#plan/make.ts";
import { labPlatform } from "#render/files.ts";
import { freshState } from "./panopticon.ts";

const FILE = join(import.meta.dirname, "guest-site.yaml");
const ROLES: readonly Role[] = ["ecam", "controlplane", "worker"];
const quiet = () => undefined;
const now = () => new Date();

let state: string;
let lab: Lab;
let context: SiteConnection;

/** The image's file system as a folder, owners and modes as they are. */
async function unpacked(role: Role): Promise<string> {
  const { folder } = await ensureImage(role, { emit: quiet, cacheDir: cacheDir() });
  const [image, root] = [join(state, `${role}.img`), join(state, role)];
  mkdirSync(root);
  const unpack = 'gzip -dc "$1" > "$2" && debugfs -R "rdump / $3" "$2" && rm "$2"';
  await mustRun("TEST", ["sh", "-c", unpack, "sh", join(folder, "root.img.gz"), image, root]);
  return root;
}

beforeAll(async () => {
  state = freshState();
  process.env["XDG_STATE_HOME"] = state;
  const plan = await makePlan(await readFederation(FILE));
  const [site] = plan.sites;
  if (!site) throw new Error("the file lost its site");
  const labs = new Map<Role, Lab>();
  const { federation } = plan;
  const labDir = join(stateDir(federation), "lab"); // where `lab down` looks for it
  for (const role of ROLES) {
    const layers = [await unpacked(role)];
    const limits = () => ({ memoryMiB: 3072, cpus: 2, cpuShares: 1024 });
    const fillContainerd = async (target: string) => void mkdirSync(target, { recursive: true });
    labs.set(role, openLab({ federation, labDir, layers, fillContainerd, limits }));
  }
  lab = labs.get("ecam") as Lab;
  const start: Lab["start"] = (where, machine, seed) =>
    (labs.get(machine.role) as Lab).start(where, machine, seed);
  const { software, program, manifests } = await serverComponents(quiet);
  const ground = { hypervisor: { ...lab, start }, platform: labPlatform(cgroupVersion()) };
  const own = openSiteContext(plan, site, ground, { controlDir: "/run/panopticon", emit: quiet });
  // Kubelets answer nobody before an ECAM has approved their certificates; the other add-ons are the lab's to prove.
  const addOns = { ...siteAddOns(own, manifests), loadBalancer: [], ingress: [], metrics: [] };
  context = { ...own, software, addOns, ...(program && { program }) };
});

afterAll(async () => {
  await context?.close();
  await lab?.down();
  rmSync(state, { recursive: true, force: true });
  delete process.env["XDG_STATE_HOME"];
});

const changes = () => converge(PHASES, [context], openGate(openJournal(":memory:"), quiet, now));

it("makes a cluster of them", async () => {
  expect(await changes()).toBeGreaterThan(0);
  const status = await siteStatus(context);
  expect(status.well, JSON.stringify(status, null, 2)).toBe(true);
  expect(status.machines.map(({ role, health }) => [role, health])).toEqual([
    ["ecam", "holds the VIP"],
    ["controlplane", "Ready"],
    ["worker", "Ready"],
  ]);
});

it("has nothing to change afterwards", async () => {
  expect(await changes()).toBe(0);
});
