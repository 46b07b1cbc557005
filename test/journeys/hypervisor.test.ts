/** The lab's driver does what the hypervisor port asks, on real containers. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { getAllComponents } from "#components/get.ts";
import { cloneContainerdSeed } from "#components/seed.ts";
import { cacheDir } from "#app/folders.ts";
import { openLab } from "#drivers/lab/driver.ts";
import { parseFederation } from "#model/parse.ts";
import { makePlan } from "#plan/make.ts";
import { describeHypervisor } from "#ports/hypervisor.suite.ts";
import { freshState } from "./panopticon.ts";

const FILE = join(import.meta.dirname, "one-site.yaml");

describeHypervisor("lab", async () => {
  const { baseRoot, nodeLayer, containerdSeed } = await getAllComponents({
    emit: () => undefined,
    cacheDir: cacheDir(),
  });
  const plan = await makePlan(parseFederation(readFileSync(FILE, "utf8"), FILE));
  const [site] = plan.sites;
  const [ecam, worker] = [site?.machines.at(0), site?.machines.at(-1)];
  if (!site || !ecam || !worker) throw new Error("the example lost its machines");
  const state = freshState();
  const hypervisor = openLab({
    federation: "suite",
    labDir: join(state, "lab"),
    layers: [nodeLayer, baseRoot],
    fillContainerd: (target) => cloneContainerdSeed(containerdSeed, target),
    limits: () => ({ memoryMiB: 512, cpus: 1, cpuShares: 1024 }),
  });
  const clean = async () => {
    await hypervisor.down();
    rmSync(state, { recursive: true, force: true });
  };
  return { hypervisor, site, machines: [ecam, worker], seed: [], clean };
});
