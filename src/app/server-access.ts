/** How a person's servers let us in. */
import { homedir } from "node:os";
import { join } from "node:path";
import type { Jump, SshIdentity } from "#drivers/ssh/options.ts";
import type { SitePlan } from "#plan/plan.ts";

/** The machines on servers have keys of ours; the servers are the person's. */
export interface ServerAccess {
  /** A private key that root of every server accepts; `~/.ssh/id_ed25519` where it is not given. */
  readonly identity?: string;
  /** Host keys of servers by address; `~/.ssh/known_hosts` where it is not given. A server that is not there is not believed. */
  readonly knownHosts?: string;
  /** Reach machines through their servers, from where their LAN does not. */
  readonly throughServers?: boolean;
}

/** As OpenSSH is told. */
export function serverIdentity({ identity, knownHosts }: ServerAccess): SshIdentity {
  return {
    keyFile: identity ?? join(homedir(), ".ssh/id_ed25519"),
    knownHostsFile: knownHosts ?? join(homedir(), ".ssh/known_hosts"),
    agent: identity === undefined,
  };
}

/** The server that leads to a machine of the site; a server is called by its address, as in a person's known_hosts. */
export function throughServers(site: SitePlan, access: ServerAccess): (machine: string) => Jump {
  const addresses = new Map(site.servers.map(({ name, address = "" }) => [name, address]));
  return (machine) => {
    const server = site.machines.find(({ name }) => name === machine)?.server ?? "";
    const address = addresses.get(server) ?? "";
    return { identity: serverIdentity(access), name: address, address };
  };
}
