/** How a person's servers let us in. */
import { homedir } from "node:os";
import { join } from "node:path";
import type { Jump, SshIdentity } from "#drivers/ssh/options.ts";
import { type JumpHost, knownHostName } from "#model/jump.ts";
import type { SitePlan } from "#plan/plan.ts";

/** The machines on servers have keys of ours; the servers are the person's, and what leads to them too. */
export interface ServerAccess {
  /** A private key that root of every server accepts; `~/.ssh/id_ed25519` where it is not given. */
  readonly identity?: string;
  /** Host keys of servers by address; `~/.ssh/known_hosts` where it is not given. A server that is not there is not believed. */
  readonly knownHosts?: string;
  /** Reach machines through their servers, from where their LAN does not. */
  readonly throughServers?: boolean;
  /** Leave out the sites' `jump:`, from where their LANs are reached straight. */
  readonly direct?: boolean;
}

/** As OpenSSH is told. */
export function serverIdentity({ identity, knownHosts }: ServerAccess): SshIdentity {
  return {
    keyFile: identity ?? join(homedir(), ".ssh/id_ed25519"),
    knownHostsFile: knownHosts ?? join(homedir(), ".ssh/known_hosts"),
    agent: identity === undefined,
  };
}

/** A machine on the way, which lets the same key in as servers do and is pinned in the same file. */
export function jumpThrough(jump: JumpHost, access: ServerAccess): Jump {
  const { user, host, port } = jump;
  const identity = { ...serverIdentity(access), user, port };
  return { identity, name: knownHostName(jump), address: host };
}

/** What leads to the site's servers; undefined where they are reached straight. */
export function wayToServers(site: SitePlan, access: ServerAccess): Jump | undefined {
  return site.jump && !access.direct ? jumpThrough(site.jump, access) : undefined;
}

/** What leads to the site's machines: their servers where that is wanted, else what leads to those. */
export function wayToMachines(
  site: SitePlan,
  access: ServerAccess,
): ((machine: string) => Jump | undefined) | undefined {
  const through = wayToServers(site, access);
  if (!access.throughServers) return through && (() => through);
  const addresses = new Map(site.servers.map(({ name, address = "" }) => [name, address]));
  return (machine) => {
    const server = site.machines.find(({ name }) => name === machine)?.server ?? "";
    // A server is called by its address, as in a person's known_hosts.
    const address = addresses.get(server) ?? "";
    return { identity: serverIdentity(access), name: address, address, through };
  };
}
