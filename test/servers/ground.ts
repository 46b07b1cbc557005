/**
 * Servers of a site as far as SSH can tell: a real sshd for each, at port 22 of
 * its planned address, that shows what a real dom0 was recorded to say. The state
 * folder is as after an `apply`, so that every command finds them as it would
 * find a person's own.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimGround } from "#app/ground.ts";
import { savePlan } from "#app/files.ts";
import { keepAccess } from "#app/machine-access.ts";
import type { ServerAccess } from "#app/server-access.ts";
import { siteKeyring } from "#app/site-keyring.ts";
import { mustRun } from "#base/process.ts";
import { keyFolders } from "#converge/keyring.ts";
import { parseFederation } from "#model/parse.ts";
import { makePlan } from "#plan/make.ts";
import { machinesOf, type Plan, type SitePlan } from "#plan/plan.ts";
import { finish, type Ran, start } from "../journeys/panopticon.ts";
import { findTool } from "../tools.ts";
import { DOOR, type Lan, openLan } from "./lan.ts";
import { type Mended, mendWithin } from "./mend.ts";
import { type Apart, recordServer, type Recording } from "./recording.ts";
import { type Asked, type Sshd, startSshd } from "./sshd.ts";

const DOOR_PORT = 2222;
const DOOR_USER = "keeper";
/** As a file names it. */
export const DOOR_ADDRESS = `${DOOR_USER}@${DOOR}:${DOOR_PORT}`;

/** What this box lacks for such a ground; empty where it can be had. */
export function lacking(): readonly string[] {
  return [
    ...(findTool("sshd") ? [] : ["sshd (Debian package openssh-server)"]),
    ...(process.getuid?.() === 0 ? [] : ["to be root"]),
  ];
}

export interface RecordedServers {
  readonly plan: Plan;
  readonly site: SitePlan;
  /** The federation file. */
  readonly file: string;
  /** The person's key and known_hosts, which has every server's host key. */
  readonly identity: string;
  readonly knownHosts: string;
  readonly lan: Lan;
  /** By server. */
  readonly sshds: ReadonlyMap<string, Sshd>;
  /** Of servers; machines are not counted. */
  readonly asked: Asked;
  /** A door to the LAN, seen from outside, which lets the person's key in; not pinned yet. */
  readonly door: {
    /** In known_hosts. */
    readonly name: string;
    readonly sshd: Sshd;
    readonly asked: Asked;
  };
  /** What servers show when machines are apart from their plan as said, by machine. */
  recording(server: string, apart?: Readonly<Record<string, Apart>>): Recording;
  /** Notes down anew how servers let the person in, as `apply` does. */
  keepAccess(access: ServerAccess): Promise<void>;
  /** Brings one machine's settings to its plan; gives what still differs on the servers, or why it was refused. */
  mend(machine: string): Promise<Mended>;
  /** Runs `panopticon` in the LAN, or outside of it. */
  run(argv: readonly string[], where?: "outside"): Promise<Ran>;
  close(): Promise<void>;
}

export interface GroundOptions {
  readonly servers: number;
  readonly apart?: Readonly<Record<string, Apart>>;
  /** More lines of the site in the file. */
  readonly more?: string;
}

/** Starts all of it; needs root. */
export async function openRecordedServers(options: GroundOptions): Promise<RecordedServers> {
  const folder = await mkdtemp(join(tmpdir(), "panopticon-servers-"));
  const lan = await openLan();
  try {
    return await furnish(folder, lan, options);
  } catch (error) {
    await lan.close();
    await rm(folder, { recursive: true });
    throw error;
  }
}

async function furnish(folder: string, lan: Lan, options: GroundOptions): Promise<RecordedServers> {
  const file = join(folder, "federation.yaml");
  await writeFile(file, federationOf(options));
  const identity = join(folder, "person");
  await mustRun("TEST", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", identity]);
  const knownHosts = join(folder, "known_hosts");
  const state = join(folder, "state");
  const plan = await asAfterApply(file, state, { identity, knownHosts });
  const [site] = plan.sites;
  if (!site) throw new RangeError("a plan without a site");
  const recording = (server: string, apart = options.apart) => recordServer(plan, site, server, apart);
  const asked = { connections: 0, commands: 0, now: 0, most: 0 };
  const authorized = [await publicKey(identity)];
  const sshds = new Map<string, Sshd>();
  for (const { name, address = "" } of site.servers) {
    await lan.add(address);
    const own = { folder: join(folder, name), recording: recording(name), authorized, asked };
    sshds.set(name, await startSshd({ lan, addresses: [address], ...own }));
  }
  await startControlPlanes(lan, folder, site, keyFolders(join(state, "panopticon", plan.federation)));
  const door = await openDoor(lan, folder, authorized);
  const pinned = site.servers.map(({ name, address }) => `${address} ${sshds.get(name)?.hostKey}\n`);
  await writeFile(knownHosts, pinned.join(""));
  return {
    plan,
    site,
    file,
    identity,
    knownHosts,
    lan,
    sshds,
    asked,
    door,
    recording,
    mend: (name) => {
      const machine = site.machines.find((each) => each.name === name);
      if (!machine) throw new RangeError(`no machine called ${name}`);
      return mendWithin(lan, { plan, site, machine, identity, knownHosts });
    },
    keepAccess: (access) =>
      inState(state, () => keepAccess(plan.federation, { identity, knownHosts, ...access })),
    run: (argv, where) => finish(start(state, argv, where ? lan.outside : lan.network)),
    close: async () => {
      await lan.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** The file's plan kept, its keys made, and how servers let the person in noted down. */
function asAfterApply(file: string, state: string, access: ServerAccess): Promise<Plan> {
  return inState(state, async () => {
    const plan = await makePlan(parseFederation(await readFile(file, "utf8"), file));
    await claimGround(plan.federation, "servers", { claim: true });
    await savePlan(plan);
    await keepAccess(plan.federation, access);
    for (const site of plan.sites) await siteKeyring(plan, site).ensure();
    return plan;
  });
}

/** Does the work with this state folder as the person's. */
async function inState<T>(state: string, work: () => Promise<T>): Promise<T> {
  const before = process.env["XDG_STATE_HOME"];
  process.env["XDG_STATE_HOME"] = state;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env["XDG_STATE_HOME"];
    else process.env["XDG_STATE_HOME"] = before;
  }
}

/** Of the machines, control planes alone are asked before the site's files are: whether they serve. They do not. */
async function startControlPlanes(
  lan: Lan,
  folder: string,
  site: SitePlan,
  keys: ReturnType<typeof keyFolders>,
): Promise<void> {
  const authorized = [await publicKey(keys.operatorKey)];
  for (const { name, address } of machinesOf(site, "controlplane")) {
    await lan.add(address);
    const hostKey = join(keys.ssh, "hosts", name);
    const asked = { connections: 0, commands: 0, now: 0, most: 0 };
    await startSshd({ lan, addresses: [address], folder: join(folder, name), hostKey, authorized, asked });
  }
}

async function openDoor(lan: Lan, folder: string, authorized: readonly string[]) {
  const asked = { connections: 0, commands: 0, now: 0, most: 0 };
  const own = join(folder, "door");
  const passwd = `root:x:0:0::/root:/bin/sh\nsshd:x:101:65534::/run/sshd:/bin/false\n${DOOR_USER}:x:4000:4000::/:/bin/sh\n`;
  const recording = { printed: {}, files: { "/etc/passwd": passwd } };
  await mkdir(own);
  const options = { lan, folder: own, addresses: [DOOR], port: DOOR_PORT, authorized, asked, recording };
  const sshd = await startSshd(options);
  return { name: `[${DOOR}]:${DOOR_PORT}`, sshd, asked };
}

async function publicKey(file: string): Promise<string> {
  return (await readFile(`${file}.pub`, "utf8")).trim();
}

function federationOf({ servers, more = "" }: GroundOptions): string {
  const blocks = Array.from(
    { length: servers },
    (_, index) => `
      - name: server-${index + 1}
        address: 10.5.0.${index + 2}
        cpus: 8
        memory: 32GiB
        disks: [{ name: ssd, size: 500GB }]`,
  );
  return `apiVersion: panopticon/v1
kind: Federation
name: recorded
domain: recorded.test
crown: shed
sites:
  - name: shed
    network: { lan: 10.5.0.0/24, gateway: 10.5.0.1, external: 203.0.113.5 }
    controlplanes: ${servers < 3 ? 1 : 3}${more}
    servers:${blocks.join("")}
`;
}
