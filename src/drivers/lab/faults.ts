/**
 * The lab's faults: control groups are frozen and killed, links of the namespaces
 * are taken away, and the switch drops frames by rules in a table of its own.
 */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { mustRun, runProcess } from "#base/process.ts";
import type { MachinePlan, SitePlan } from "#plan/plan.ts";
import type { Faults, Forward } from "#ports/faults.ts";
import type { Hypervisor } from "#ports/hypervisor.ts";
import { processesOf } from "./cgroups.ts";
import { freezeMachine, isFrozen, thawMachine } from "./faults-freezer.ts";
import { signalKill } from "./machine.ts";
import { labNames } from "./names.ts";
import { ipBatch, listLinks, listNamespaces, loadRules, removeNamespace } from "./netns.ts";
import { ensureNetwork } from "./network.ts";

/** The switch's and the router's tables that only drills write. */
const TABLE = "drill";

export function openLabFaults(federation: string, hypervisor: Hypervisor): Faults {
  const names = labNames(federation);
  const portOf = (site: SitePlan, name: string): string => names.port(site, machineOf(site, name));

  async function drop(site: SitePlan, rules: readonly string[]): Promise<void> {
    const lan = names.lan(site);
    const table = `bridge ${TABLE}`;
    const lines = [
      `add table ${table}`,
      `add chain ${table} forward { type filter hook forward priority 0; }`,
      ...rules.map((rule) => `add rule ${table} forward ${rule} drop`),
    ];
    await mustRun("LAB_NFT_FAILED", ["ip", "netns", "exec", lan, "nft", "-f", "-"], `${lines.join("\n")}\n`);
  }

  async function cutPower(site: SitePlan, machines: readonly string[]): Promise<void> {
    const pids = await Promise.all(machines.map((name) => processesOf(federation, name)));
    // A frozen process takes no signal.
    await Promise.all(machines.map((name) => thawMachine(federation, name)));
    for (const pid of pids.flat()) signalKill(pid);
    await Promise.all(machines.map((name) => hypervisor.kill(site, name)));
  }

  async function freeze(site: SitePlan, machine: string): Promise<void> {
    // Its kernel is the box's own and would go on answering ARP and TCP: the switch's port goes silent with it.
    const port = portOf(site, machine);
    await drop(site, [`iifname "${port}"`, `oifname "${port}"`]);
    await freezeMachine(federation, machine);
  }

  async function loseRouter(site: SitePlan): Promise<void> {
    const router = names.router(site);
    if (!(await listNamespaces(names.prefix)).includes(router)) return;
    // A namespace is cleared away when the kernel finds the time; its links must be gone before they come again.
    const links = (await listLinks(router)).filter((link) => ["lan0", "wan0"].includes(link));
    await ipBatch(
      router,
      links.map((link) => `link delete ${link}`),
    );
    await removeNamespace(router);
  }

  async function removeAddress(site: SitePlan, address: string): Promise<void> {
    await runProcess(["ip", "-n", names.internet, "route", "delete", `${address}/32`]);
    await runProcess(["ip", "-n", names.router(site), "address", "delete", `${address}/32`, "dev", "wan0"]);
  }

  async function answering(site: SitePlan, address: string): Promise<readonly string[]> {
    const found = await Promise.all(
      site.machines.map(async (machine) => {
        if (await isFrozen(federation, machine.name)) return undefined;
        return (await hasAddress(machine.name, address)) ? machine.name : undefined;
      }),
    );
    return found.filter((name) => name !== undefined);
  }

  const inits = new Map<string, number>();

  /** Reads the routing table of the machine's network, where every own address stands as a local host. */
  async function hasAddress(machine: string, address: string): Promise<boolean> {
    const line = new RegExp(`\\|-- ${address.replaceAll(".", "\\.")}\\n\\s+/32 host LOCAL`);
    const known = inits.get(machine);
    const trie = known === undefined ? undefined : await routingTable(known);
    if (trie !== undefined) return line.test(trie);
    const pid = await processIn(names.machine(machine), await processesOf(federation, machine));
    if (pid === undefined) return false;
    inits.set(machine, pid);
    return line.test((await routingTable(pid)) ?? "");
  }

  async function forward(site: SitePlan, forwards: readonly Forward[]): Promise<void> {
    await loadRules(names.router(site), forwardRules(forwards));
  }

  async function restore(site: SitePlan): Promise<void> {
    const lan = names.lan(site);
    await runProcess(
      ["ip", "netns", "exec", lan, "nft", "-f", "-"],
      `add table bridge ${TABLE}\ndelete table bridge ${TABLE}\n`,
    );
    await Promise.all(site.machines.map(({ name }) => thawMachine(federation, name)));
    await ensureNetwork(names, site);
  }

  return {
    cutPower,
    freeze,
    loseRouter,
    cutLine: (site) => ipBatch(names.internet, [`link set site${site.number} down`]),
    removeAddress,
    cutLink: (site, from, to) =>
      drop(site, [`iifname "${portOf(site, from)}" oifname "${portOf(site, to)}"`]),
    answering,
    outside: () => ["ip", "netns", "exec", names.internet],
    forward,
    restore,
  };
}

function machineOf(site: SitePlan, name: string): MachinePlan {
  const machine = site.machines.find((one) => one.name === name);
  if (!machine) throw new RangeError(`${site.name} has no machine ${name}`);
  return machine;
}

/** The first of these processes that lives in a network namespace; others, such as the container's keeper, live outside. */
async function processIn(namespace: string, pids: readonly number[]): Promise<number | undefined> {
  const own = await stat(join("/run/netns", namespace)).catch(() => undefined);
  if (!own) return undefined;
  for (const pid of pids) {
    const its = await stat(`/proc/${pid}/ns/net`).catch(() => undefined);
    if (its?.ino === own.ino) return pid;
  }
  return undefined;
}

/** Undefined where the process is gone. */
async function routingTable(pid: number): Promise<string | undefined> {
  return readFile(`/proc/${pid}/net/fib_trie`, "utf8").catch(() => undefined);
}

function forwardRules(forwards: readonly Forward[]): string {
  const rules = forwards.map(
    ({ external, port, address, toPort }) =>
      `    iifname "wan0" ip daddr ${external} tcp dport ${port} dnat to ${address}:${toPort}`,
  );
  return [
    `table ip ${TABLE}`,
    `delete table ip ${TABLE}`,
    ...(rules.length === 0
      ? []
      : [
          `table ip ${TABLE} {`,
          "  chain enter {",
          "    type nat hook prerouting priority -100; policy accept;",
          ...rules,
          "  }",
          "}",
        ]),
    "",
  ].join("\n");
}
