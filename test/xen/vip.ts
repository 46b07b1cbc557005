/** Two ECAM guests with the files that are rendered for them: the VIP outlives the one that holds it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import type { MachinePlan } from "#plan/plan.ts";
import { XEN } from "#render/files.ts";
import { renderMachine } from "#render/machine.ts";
import { figure } from "./figures.ts";
import type { XenGround } from "./ground.ts";

/** HAProxy wants an authority to check API servers with; no API server answers here. */
const AUTHORITY = join(import.meta.dirname, "../golden/render/ca.crt");
const WANTED = ["/etc/haproxy/", "/etc/keepalived/", "/etc/sysctl.d/"];

/** The test; both guests answer already. */
export function describeVip(ground: () => XenGround): void {
  it("keeps its VIP when the domain that holds it is destroyed", async () => {
    const { shell, machines, site, xen } = ground();
    for (const machine of machines) await becomeEcam(ground(), machine);
    const holder = await vi.waitFor(() => holderOf(ground()), { timeout: 120_000, interval: 1000 });
    const { vip } = site.network;
    const pinging = shell.run("left", ["ping", "-D", "-n", "-i", "0.05", "-w", "40", vip]);
    await sleep(10_000);
    await xen.kill(site, holder.name);
    const { stdout } = await pinging;
    const other = machines.find(({ name }) => name !== holder.name);
    expect((await holderOf(ground())).name).toBe(other?.name);
    const gap = longestGap(stdout);
    figure("VIP silent when its holder's domain was destroyed", gap);
    expect(gap).toBeLessThan(10);
  });
}

async function becomeEcam({ plan, whole, shell }: XenGround, machine: MachinePlan): Promise<void> {
  const files = renderMachine(plan, whole, machine, XEN).filter(({ path }) =>
    WANTED.some((folder) => path.startsWith(folder)),
  );
  const authority = {
    path: "/etc/panopticon/pki/ca.crt",
    content: await readFile(AUTHORITY, "utf8"),
    mode: 0o644,
  };
  await shell.put(machine.name, [...files, authority]);
  for (const argv of [
    ["/usr/lib/systemd/systemd-sysctl"],
    ["systemctl", "restart", "haproxy.service"],
    ["systemctl", "restart", "keepalived.service"],
  ]) {
    const { code, stderr } = await shell.run(machine.name, argv);
    expect(`${code} ${stderr}`).toBe("0 ");
  }
}

/** The guest that has the VIP on its interface; throws where not exactly one has. */
async function holderOf({ shell, machines, site, xen }: XenGround): Promise<MachinePlan> {
  const running = new Set(
    (await xen.observe(site)).filter(({ state }) => state === "running").map(({ name }) => name),
  );
  const holders: MachinePlan[] = [];
  for (const machine of machines.filter(({ name }) => running.has(name))) {
    const { stdout } = await shell.run(machine.name, ["ip", "-o", "-4", "address", "show", "eth0"]);
    if (stdout.includes(` ${site.network.vip}/32 `)) holders.push(machine);
  }
  const [holder, ...more] = holders;
  if (holder === undefined || more.length > 0) throw new Error(`${holders.length} guests hold the VIP`);
  return holder;
}

/** In seconds, between two replies; the pings' times are in brackets. */
function longestGap(pings: string): number {
  const times = [...pings.matchAll(/^\[([\d.]+)\] \d+ bytes from/gm)].map((match) => Number(match[1]));
  expect(times.length).toBeGreaterThan(100);
  return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? time)));
}
