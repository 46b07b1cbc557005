/**
 * Drills on a real site: faults that are made, measured and taken back, a drill
 * that is killed in the middle of one, and what it refuses to touch.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SiteStatus } from "#app/lab-status.ts";
import { runProcess } from "#base/process.ts";
import { openLab } from "#drivers/lab/driver.ts";
import { openLabFaults } from "#drivers/lab/faults.ts";
import { cutPower } from "#drivers/lab/machine.ts";
import { labNames } from "#drivers/lab/names.ts";
import { parseFederation } from "#model/parse.ts";
import { makePlan } from "#plan/make.ts";
import type { SitePlan } from "#plan/plan.ts";
import { describeFaults } from "#ports/faults.suite.ts";
import type { DrillReport } from "#render/reports/drill.ts";
import { type HostPicture, hostPicture } from "./host.ts";
import { finish, freshState, killAll, panopticon, type Ran, start } from "./panopticon.ts";

const FEDERATION = "journey";
const FILE = join(import.meta.dirname, "one-site.yaml");

describe("drills", () => {
  const state = freshState();
  let before: HostPicture;
  let site: SitePlan;

  beforeAll(async () => {
    before = await hostPicture();
    const plan = await makePlan(parseFederation(readFileSync(FILE, "utf8"), FILE));
    site = plan.sites[0] as SitePlan;
  });

  afterAll(async () => {
    await panopticon(state, "lab", "down", FILE);
    rmSync(state, { recursive: true, force: true });
  });

  const drill = (...argv: readonly string[]): Promise<Ran> => panopticon(state, "drill", FILE, ...argv);

  it("want a lab that is up", async () => {
    const { code, stderr } = await drill("--all");
    expect(code).toBe(2);
    expect(stderr).toContain("LAB_NOT_UP");
    const up = await panopticon(state, "lab", "up", FILE, "--yes");
    expect(up.code, up.stderr).toBe(0);
  });

  it("make nothing that was not chosen, or does not exist, or is for another plan", async () => {
    const nothing = await drill();
    expect(nothing.code).toBe(2);
    expect(nothing.stdout).toContain("machine:shed-cp-1");
    const mistyped = await drill("--only", "machine:shed-pc-1");
    expect(mistyped.code).toBe(2);
    expect(mistyped.stderr).toContain('Did you mean "machine:shed-cp-1"?');
    const other = join(state, "other.yaml");
    writeFileSync(other, readFileSync(FILE, "utf8").replace(/cpus: \d+/, "cpus: 12"));
    const changed = await panopticon(state, "drill", other, "--all");
    expect(changed.code).toBe(2);
    expect(changed.stderr).toContain("DRILL_OTHER_PLAN");
    expect((await drill("--all", "--for-real")).stderr).toContain("DRILL_ONLY_LAB");
    expect((await siteNow(state)).well).toBe(true);
  });

  const FAULTS = [
    "freeze:shed-ecam-1",
    "kill:etcd/shed-cp-1",
    "corrupt:etcd/shed-cp-2",
    "machine:shed-cp-3",
    "router:shed",
  ];

  it("make faults, find what the proof foretold, lose no write and leave the site well", async () => {
    const page = join(state, "drill.html");
    const { code, stdout, stderr } = await drill(...only(FAULTS), "--html", page, "-o", "json");
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout) as DrillReport;
    expect(report.results.map(({ id }) => id)).toEqual(FAULTS);
    for (const { defects, holders, healthyAfter, writes } of report.results) {
      expect(defects).toEqual([]);
      expect(holders).toHaveLength(1);
      expect(healthyAfter).toBeGreaterThan(0);
      expect(writes.acknowledged).toBeGreaterThan(0);
    }
    const broken = report.results.map(({ verdicts }) =>
      verdicts.filter(({ measured }) => measured === "broken"),
    );
    expect(broken.map((verdicts) => verdicts.map(({ promise }) => promise))).toEqual([
      [],
      [],
      [],
      [],
      ["outside:shed"],
    ]);
    expect(readFileSync(page, "utf8")).toContain("corrupt:etcd/shed-cp-2");
    expect((await siteNow(state)).well).toBe(true);
  });

  it("remember what is finished", async () => {
    const { code, stdout, stderr } = await drill(...only(FAULTS), "-o", "json");
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("5 results are kept");
    expect((JSON.parse(stdout) as DrillReport).results).toHaveLength(5);
  });

  it.each(["freeze:shed-cp-3", "server:shed/left"])(
    "leave the site well although the drill is killed in the middle of %s",
    async (fault) => {
      const child = start(state, ["drill", FILE, "--only", fault]);
      const ended = finish(child);
      await said(child, `${fault}:`);
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      killAll(child);
      expect((await ended).code).toBe(137);
      await expect
        .poll(async () => (await siteNow(state)).well, { timeout: 240_000, interval: 3_000 })
        .toBe(true);
    },
  );

  it("don't touch a site that is not well", async () => {
    await cutPower(FEDERATION, "shed-worker-1");
    const { code, stderr } = await drill("--only", "router:shed", "--again");
    expect(code).toBe(3);
    expect(stderr).toContain("DRILL_UNHEALTHY");
    expect(stderr).toContain("shed-worker-1 is off");
    expect((await panopticon(state, "lab", "up", FILE, "--yes")).code).toBe(0);
  });

  describeFaults("the lab", () => {
    const hypervisor = openLab({
      federation: FEDERATION,
      labDir: join(state, "panopticon", FEDERATION, "lab"),
      layers: [],
      fillContainerd: async () => undefined,
      limits: () => ({ memoryMiB: 512, cpus: 1, cpuShares: 1024 }),
    });
    const names = labNames(FEDERATION);
    const addressOf = (machine: string): string =>
      site.machines.find(({ name }) => name === machine)?.address ?? "";
    return {
      faults: openLabFaults(FEDERATION, hypervisor),
      site,
      machines: ["shed-worker-1", "shed-worker-2"],
      addressOf,
      reaches: (machine, address) => connects(["ip", "netns", "exec", names.machine(machine)], address, 22),
      answers: (machine) => connects([], addressOf(machine), 22),
      answersOutside: (address) => connects(["ip", "netns", "exec", names.internet], address, 9),
    };
  });

  it("leave nothing on the host once the lab is down", async () => {
    const { code, stderr } = await panopticon(state, "lab", "down", FILE);
    expect(code, stderr).toBe(0);
    expect(await hostPicture()).toEqual(before);
  });
});

function only(faults: readonly string[]): readonly string[] {
  return faults.flatMap((fault) => ["--only", fault]);
}

async function siteNow(state: string): Promise<Pick<SiteStatus, "well">> {
  const { stdout } = await panopticon(state, "lab", "status", FILE, "-o", "json");
  return (JSON.parse(stdout) as { sites?: readonly SiteStatus[] }).sites?.[0] ?? { well: false };
}

/** Waits until a run has said something on standard error. */
function said(child: ReturnType<typeof start>, words: string): Promise<void> {
  let text = "";
  return new Promise((resolve, reject) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes(words)) resolve();
    });
    child.on("close", () => reject(new Error(`it ended without saying ${words}: ${text}`)));
  });
}

/** Whether whoever has this address answers, be it with a refusal. */
async function connects(prefix: readonly string[], address: string, port: number): Promise<boolean> {
  const script = ': < "/dev/tcp/$1/$2"';
  const asked = ["timeout", "2", "bash", "-c", script, "bash", address, String(port)];
  const { code, stderr } = await runProcess([...prefix, ...asked]);
  return code === 0 || stderr.includes("refused");
}
