/**
 * Sites of network namespaces: routers that translate addresses, an internet
 * between them, ECAMs with real Knots and our steering, and a small HTTPS server
 * that plays each site's ingress. What plays Keepalived is the test.
 */
import { mkdtempSync, rmSync, writeFileSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun, runProcess } from "#base/process.ts";
import { ensureNamespaces, ipBatch, loadRules, removeNamespace, setSysctl } from "#drivers/lab/netns.ts";
import { machinesOf, type Plan, type SitePlan } from "#plan/plan.ts";
import { fixturePlan } from "#render/fixture.ts";

const PREFIX = "pst-";
const INTERNET = `${PREFIX}internet`;
export const CLIENT = `${PREFIX}client`;
export const WITNESS = { name: "outpost", address: "192.0.2.53" } as const;
export const WITNESS_SPACE = `${PREFIX}witness`;
const FAR_END = "169.254.0.1";

export function spaceOf(machine: string): string {
  return `${PREFIX}${machine}`;
}

export function ingressSpace(site: SitePlan): string {
  return `${PREFIX}${site.name}-ingress`;
}

/** `count` sites; the first has two ECAMs, the others one. */
function planOf(count: number): Plan {
  const { plan, site } = fixturePlan();
  const names = ["attic", "barn", "cellar", "den"].slice(0, count);
  const sites = names.map((name, index): SitePlan => {
    const net = `10.${211 + index}.0`;
    const ecams = machinesOf(site, "ecam").slice(0, index === 0 ? 2 : 1);
    return {
      ...site,
      name,
      number: index + 1,
      domain: `site${index + 1}.home.test`,
      endpoint: { name: `api.site${index + 1}.home.test`, port: 6443 },
      network: {
        ...site.network,
        lan: `${net}.0/24`,
        gateway: `${net}.1`,
        external: [`203.0.113.${11 + index}`],
        namesVip: `${net}.9`,
        ingress: { first: `${net}.180`, last: `${net}.199` },
      },
      machines: ecams.map((machine, at) => ({
        ...machine,
        name: `${name}-ecam-${at + 1}`,
        address: `${net}.${11 + at}`,
      })),
    };
  });
  return { ...plan, sites };
}

export interface Ground {
  readonly plan: Plan;
  /** Of the test. */
  readonly folder: string;
  /** Nothing passes between the site's line and anybody. Silent, as a pulled cable is. */
  lose(...sites: readonly string[]): Promise<void>;
  /** Nothing passes between these and the other sites; the client still reaches all. */
  isolate(...sites: readonly string[]): Promise<void>;
  /** Everything passes again. */
  mend(): Promise<void>;
  /** Gives the site's address for names to this ECAM, and takes it from the others. */
  hold(machine: string): Promise<void>;
  remove(): Promise<void>;
}

/** Makes the namespaces and everything between them; those of a run that was killed are removed first. */
export async function layGround(count: number): Promise<Ground> {
  const plan = planOf(count);
  const folder = mkdtempSync(join(tmpdir(), "panopticon-steering-"));
  await sweep();
  await ensureNamespaces([INTERNET], []);
  await setSysctl(INTERNET, { "net.ipv4.ip_forward": "1" });
  await outside(CLIENT, "client", "192.0.2.1");
  await outside(WITNESS_SPACE, "witness", WITNESS.address);
  for (const site of plan.sites) await laySite(site);
  const faults = async (rules: readonly string[]): Promise<void> => {
    const lines = ["table ip faults", "delete table ip faults", "table ip faults {", " chain forward {"];
    const head = "  type filter hook forward priority 0; policy accept;";
    await loadRules(
      INTERNET,
      [...lines, head, ...rules.map((rule) => `  ${rule}`), " }", "}", ""].join("\n"),
    );
  };
  const line = (name: string): string => `"site${plan.sites.findIndex((site) => site.name === name) + 1}"`;
  await faults([]);
  return {
    plan,
    folder,
    lose: (...sites) =>
      faults(sites.flatMap((site) => [`iifname ${line(site)} drop`, `oifname ${line(site)} drop`])),
    isolate: (...sites) =>
      faults(
        sites.flatMap((site) => [
          `iifname ${line(site)} oifname != "client" drop`,
          `oifname ${line(site)} iifname != "client" drop`,
        ]),
      ),
    mend: () => faults([]),
    async hold(machine) {
      const site = plan.sites.find((one) => one.machines.some(({ name }) => name === machine)) as SitePlan;
      for (const { name } of site.machines)
        await runProcess([
          "ip",
          "-n",
          spaceOf(name),
          "address",
          "delete",
          `${site.network.namesVip}/32`,
          "dev",
          "host0",
        ]);
      await ipBatch(spaceOf(machine), [`address add ${site.network.namesVip}/32 dev host0`]);
      // Where Keepalived would tell the neighbours who has it now.
      await runProcess(["ip", "-n", router(site), "neigh", "flush", "dev", "br0"]);
    },
    async remove() {
      await sweep();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function sweep(): Promise<void> {
  const listed = await mustRun("TEST_IP", ["ip", "netns", "list"]);
  const names = listed.split("\n").map((line) => line.split(" ")[0] ?? "");
  await Promise.all(names.filter((name) => name.startsWith(PREFIX)).map(removeNamespace));
}

function router(site: SitePlan): string {
  return `${PREFIX}${site.name}-router`;
}

async function outside(space: string, line: string, address: string): Promise<void> {
  await ensureNamespaces([space], []);
  await ipBatch(space, [`link add wan0 type veth peer name ${line} netns ${INTERNET}`]);
  await far(line, [address]);
  await ipBatch(space, [
    `address add ${address}/32 dev wan0`,
    "link set wan0 up",
    `route add default via ${FAR_END} dev wan0 onlink`,
  ]);
}

/** The internet's end of a line. */
async function far(line: string, addresses: readonly string[]): Promise<void> {
  await ipBatch(INTERNET, [
    `address add ${FAR_END}/32 dev ${line}`,
    `link set ${line} up`,
    ...addresses.map((address) => `route add ${address}/32 dev ${line}`),
  ]);
}

async function laySite(site: SitePlan): Promise<void> {
  const { gateway, external, ingress } = site.network;
  const space = router(site);
  await ensureNamespaces([space], []);
  await setSysctl(space, { "net.ipv4.ip_forward": "1" });
  await ipBatch(space, [
    "link add br0 type bridge stp_state 0 forward_delay 0",
    `address add ${gateway}/24 dev br0`,
    "link set br0 up",
    `link add wan0 type veth peer name site${site.number} netns ${INTERNET}`,
  ]);
  await far(`site${site.number}`, external);
  await ipBatch(space, [
    ...external.map((address) => `address add ${address}/32 dev wan0`),
    "link set wan0 up",
    `route add default via ${FAR_END} dev wan0 onlink`,
  ]);
  await loadRules(space, translation(site));
  for (const machine of site.machines) await plug(site, spaceOf(machine.name), machine.address, machine.name);
  await plug(site, ingressSpace(site), ingress.first, "ingress");
}

function translation({ network }: SitePlan): string {
  const names = network.namesVip;
  return `table ip router {
 chain enter {
  type nat hook prerouting priority -100;
  iifname "wan0" udp dport 53 dnat to ${names}
  iifname "wan0" tcp dport { 53, 8853 } dnat to ${names}
  iifname "wan0" tcp dport 443 dnat to ${network.ingress.first}
 }
 chain leave {
  type nat hook postrouting priority 100;
  oifname "wan0" ip saddr ${network.lan} snat to ${network.external[0] ?? ""}
 }
}
`;
}

async function plug(site: SitePlan, space: string, address: string, port: string): Promise<void> {
  await ensureNamespaces([space], []);
  await setSysctl(space, { "net.ipv4.ip_nonlocal_bind": "1" });
  const link = port.slice(-13);
  await ipBatch(router(site), [
    `link add ${link} type veth peer name host0 netns ${space}`,
    `link set ${link} master br0 up`,
  ]);
  await ipBatch(space, [
    `address add ${address}/24 dev host0`,
    "link set host0 up",
    `route add default via ${site.network.gateway}`,
  ]);
}

/** An ingress's certificate, signed by itself, for all names of the domain; PEM files in the folder. */
export async function ingressCertificate(
  folder: string,
  site: SitePlan,
): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(folder, `${site.name}.crt`), join(folder, `${site.name}.key`)];
  const names = ["*.home.test", `*.${site.domain}`, "home.test"].map((name) => `DNS:${name}`).join(",");
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
  const request = ["openssl", "req", "-x509", ...curve, "-days", "2", "-subj", `/CN=${site.name} ingress`];
  const files = ["-addext", `subjectAltName=${names}`, "-keyout", key, "-out", cert];
  await mustRun("TEST_OPENSSL", [...request, ...files]);
  return { cert, key };
}

/** What the site's ingress answers from now on, by host name; 200 for those that are not named. */
export function setAnswers(folder: string, site: string, answers: Readonly<Record<string, number>>): void {
  const file = join(folder, `${site}.answers`);
  // Read at each request: half a file would be the ingress's end.
  writeFileSync(`${file}.new`, JSON.stringify(answers));
  renameSync(`${file}.new`, file);
}
