/**
 * The lab's networks. A site is a switch (its LAN) behind a router, each a
 * network namespace of its own, so that losing the router leaves the LAN as it
 * is. Routers meet in a namespace that plays the internet. The host stands in
 * every LAN with one interface, as the operator's machine would.
 */
import { PanopticonError, type Problem } from "#base/errors.ts";
import { overlaps, toCidr } from "#base/ipv4.ts";
import { mustRun, runProcess } from "#base/process.ts";
import type { MachinePlan, SitePlan } from "#plan/plan.ts";
import { routerRules } from "#render/router/rules.ts";
import type { LabNames } from "./names.ts";
import { ensureNamespaces, ipBatch, listLinks, listNamespaces, loadRules, setSysctl } from "./netns.ts";

/** Far end of every router's line; the same on each, since the lines are point to point. */
const INTERNET_ADDRESS = "169.254.0.1";

/** What a site's networks still lack, in words. */
export async function networkLacks(names: LabNames, site: SitePlan): Promise<readonly string[]> {
  const present = await listNamespaces(names.prefix);
  const lacks = [names.internet, names.lan(site), names.router(site)]
    .filter((name) => !present.includes(name))
    .map((name) => `network namespace ${name}`);
  const links = await listLinks();
  if (!links.includes(names.operator(site))) lacks.push(`operator's interface in ${site.network.lan}`);
  if (lacks.length === 0 && !(await listLinks(names.router(site))).includes("wan0")) {
    lacks.push("the router's internet line");
  }
  return lacks;
}

/** Makes a site's switch, router, internet line and the host's own interface in the LAN. */
export async function ensureNetwork(names: LabNames, site: SitePlan): Promise<void> {
  await refuseClash(names, site);
  const lan = names.lan(site);
  const present = await listNamespaces(names.prefix);
  await ensureNamespaces([names.internet, lan, names.router(site)], present);
  await ensureSwitch(lan);
  await ensureRouter(names, site);
  await ensureOperator(names, site);
}

// Making a link is done once; its settings are set again at every run, because a
// run may have been killed between the two.

async function ensureSwitch(lan: string): Promise<void> {
  if (!(await listLinks(lan)).includes("br0")) {
    await ipBatch(lan, ["link add br0 type bridge stp_state 0 forward_delay 0"]);
  }
  await ipBatch(lan, ["link set br0 up"]);
}

async function ensureRouter(names: LabNames, site: SitePlan): Promise<void> {
  const router = names.router(site);
  const line = `site${site.number}`;
  const links = await listLinks(router);
  if (!links.includes("lan0")) {
    await ipBatch(router, [`link add lan0 type veth peer name router netns ${names.lan(site)}`]);
  }
  if (!links.includes("wan0")) {
    await ipBatch(router, [`link add wan0 type veth peer name ${line} netns ${names.internet}`]);
  }
  await ipBatch(names.lan(site), ["link set router master br0 up"]);
  await ipBatch(names.internet, [
    `address replace ${INTERNET_ADDRESS}/32 dev ${line}`,
    `link set ${line} up`,
    ...site.network.external.map((address) => `route replace ${address}/32 dev ${line}`),
  ]);
  await ipBatch(router, [
    `address replace ${site.network.gateway}/${toCidr(site.network.lan).prefix} dev lan0`,
    "link set lan0 up",
    ...site.network.external.map((address) => `address replace ${address}/32 dev wan0`),
    "link set wan0 up",
    `route replace default via ${INTERNET_ADDRESS} dev wan0 onlink`,
  ]);
  const forward = { "net.ipv4.ip_forward": "1" };
  await setSysctl(router, forward);
  await setSysctl(names.internet, forward);
  await loadRules(router, routerRules(site, { outside: "wan0", inside: "lan0" }));
}

async function ensureOperator(names: LabNames, site: SitePlan): Promise<void> {
  const name = names.operator(site);
  if (!(await listLinks()).includes(name)) {
    await ipBatch(undefined, [`link add ${name} type veth peer name operator netns ${names.lan(site)}`]);
  }
  await ipBatch(names.lan(site), ["link set operator master br0 up"]);
  await ipBatch(undefined, [
    `address replace ${site.network.operator}/${toCidr(site.network.lan).prefix} dev ${name}`,
    `link set ${name} up`,
  ]);
}

interface Route {
  readonly dst: string;
  readonly dev?: string;
}

/** Refuses a LAN that the host already routes somewhere else. */
async function refuseClash(names: LabNames, site: SitePlan): Promise<void> {
  const routes = JSON.parse(
    await mustRun("LAB_IP_FAILED", ["ip", "-json", "-4", "route", "show", "table", "all"]),
  ) as Route[];
  const lan = toCidr(site.network.lan);
  const problems: Problem[] = routes
    .filter((route) => /^[0-9]/.test(route.dst) && route.dev !== names.operator(site))
    .filter((route) => overlaps(lan, toCidr(route.dst.includes("/") ? route.dst : `${route.dst}/32`)))
    .map((route) => ({
      code: "LAB_ROUTE_CLASH",
      message: `site ${site.name}: its LAN ${site.network.lan} overlaps ${route.dst}, which this host reaches through ${route.dev ?? "another route"}.`,
      hint: "Give the site another `network.lan`, or take down what uses that network (`ip route` shows it).",
      subject: site.name,
    }));
  if (problems.length > 0) throw new PanopticonError(problems, 3);
}

/** A machine's own namespace with its interface `host0`, plugged into the site's switch; made anew at each start. */
export async function plugMachine(names: LabNames, site: SitePlan, machine: MachinePlan): Promise<void> {
  const namespace = names.machine(machine.name);
  const port = names.port(site, machine);
  // The kernel clears a removed namespace away when it finds the time; the old port may still be there.
  await runProcess(["ip", "-n", names.lan(site), "link", "delete", port]);
  await ensureNamespaces([namespace], []);
  await ipBatch(names.lan(site), [
    `link add ${port} type veth peer name host0 address ${machine.mac} netns ${namespace}`,
    `link set ${port} master br0 up`,
  ]);
}

/** Takes the machine's cable out, at both ends at once; one that has none is fine. */
export async function unplugMachine(names: LabNames, machine: string): Promise<void> {
  await runProcess(["ip", "-n", names.machine(machine), "link", "delete", "host0"]);
}
