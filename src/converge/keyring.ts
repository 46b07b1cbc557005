/**
 * A site's keys: certificate authorities, the operator's certificate, SSH keys.
 * They are made before anything trusts them, kept in the state folder, and
 * brought to the machines that need them.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Role } from "#model/federation.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import type { RenderedFile } from "#render/files.ts";
import type { SeedKeys } from "#render/seed.ts";
import { sitesAuthority } from "./pki/edge.ts";
import { bootstrapKubeconfig } from "./pki/kubeconfig.ts";
import { namesFiles } from "./pki/names.ts";
import {
  bootstrapCertificate,
  ensureAdminCertificate,
  ensureClientCertificate,
  ensureSitePki,
  etcdClientCertificate,
  type KeptClient,
  pkiFiles,
  presentClientCertificate,
  type SitePki,
} from "./pki/site.ts";
import { ensureSshKeys, knownHosts, type SshKeys } from "./pki/ssh.ts";
import { replaceFile } from "./pki/store.ts";
import { WATCHDOG_CLIENT, watchdogFiles } from "./pki/watchdog.ts";
import type { KeyedCertificate } from "./pki/x509.ts";

export interface Keyring {
  /** What is missing, in words; empty when complete. */
  lacks(): Promise<readonly string[]>;
  /** Makes what is missing; never replaces what is there. */
  ensure(): Promise<void>;
  complete(): Promise<boolean>;
  /** What a machine needs so that it is trusted and trusts us at its first boot. */
  ssh(machine: string): Promise<SeedKeys>;
  /** The key and certificate files that a role has on its disk. */
  files(role: Role): Promise<readonly RenderedFile[]>;
  /** A kubeconfig that may join the cluster, good for an hour from `now`. */
  bootstrapKubeconfig(now: Date): Promise<string>;
  /** What the operator's client shows and trusts. */
  operator(): Promise<{ readonly authority: string; readonly client: KeyedCertificate }>;
  /** What a program of ours shows and trusts at this site's API. */
  client(client: KeptClient): Promise<{ readonly authority: string; readonly client: KeyedCertificate }>;
  /** The same where it is there and good for long; nothing is made. */
  presentClient(
    client: KeptClient,
  ): Promise<{ readonly authority: string; readonly client: KeyedCertificate } | undefined>;
  /** What etcd's members trust a client by, good for a day from `now`; made anew at each call and kept nowhere. */
  etcdClient(now: Date): Promise<{ readonly authority: string; readonly client: KeyedCertificate }>;
}

/** Where a federation's keys are, below its state folder. */
export interface KeyFolders {
  readonly pki: string;
  readonly ssh: string;
  readonly operatorKey: string;
  /** Of name servers, and of those who vote on addresses. */
  readonly names: string;
  /** Of the front doors. */
  readonly edge: string;
  /** The pinned host keys of one site's machines. */
  knownHosts(site: string): string;
}

export function keyFolders(stateDir: string): KeyFolders {
  const ssh = join(stateDir, "ssh");
  return {
    pki: join(stateDir, "pki"),
    ssh,
    operatorKey: join(ssh, "operator"),
    names: join(stateDir, "names"),
    edge: join(stateDir, "edge"),
    knownHosts: (site) => join(ssh, `known_hosts-${site}`),
  };
}

interface Keys {
  readonly pki: SitePki;
  readonly admin: KeyedCertificate;
  readonly ssh: SshKeys;
}

/**
 * The keys of one site; nothing is read or made before it is asked for.
 * @param clients programs of ours whose certificates belong to a whole keyring
 */
export function openKeyring(
  folders: KeyFolders,
  plan: Pick<Plan, "dnssec" | "domain" | "acme">,
  site: SitePlan,
  now: () => Date,
  clients: readonly KeptClient[] = [],
): Keyring {
  const names = site.machines.map((machine) => machine.name);
  let loaded: Promise<Keys> | undefined;
  const keys = (): Promise<Keys> => {
    loaded ??= load(folders, site, names, now());
    return loaded;
  };
  let watchdog: Promise<KeyedCertificate> | undefined;
  // A site's machines are given their files side by side: all of them get the same one.
  const watchdogClient = (pki: SitePki): Promise<KeyedCertificate> => {
    watchdog ??= ensureClientCertificate(folders.pki, pki, WATCHDOG_CLIENT, now());
    return watchdog;
  };
  const sites = (): Promise<string> => sitesAuthority(folders.edge, plan, now());
  const lacks = async () => [
    ...(existsSync(join(folders.pki, site.name, "admin.pem")) ? [] : ["certificate authorities and keys"]),
    ...(existsSync(folders.knownHosts(site.name)) ? [] : ["SSH keys of operator and machines"]),
    ...names
      .filter((name) => !existsSync(join(folders.ssh, "hosts", name)))
      .map((name) => `SSH key of ${name}`),
    ...clients
      .filter(({ name }) => !existsSync(join(folders.pki, site.name, `${name}.pem`)))
      .map(({ name }) => `certificate of ${name}`),
  ];
  return {
    lacks,
    ensure: async () => {
      const { pki } = await keys();
      for (const client of clients) await ensureClientCertificate(folders.pki, pki, client, now());
    },
    complete: async () => (await lacks()).length === 0,
    ssh: async (machine) => machineKeys((await keys()).ssh, machine),
    files: async (role) => {
      const { pki } = await keys();
      if (role !== "ecam") return pkiFiles(pki, role);
      return [
        ...pkiFiles(pki, role),
        ...(await namesFiles(folders.names, site.name, await sites(), now(), plan.dnssec)),
        ...watchdogFiles(await watchdogClient(pki)),
      ];
    },
    bootstrapKubeconfig: async (at) => {
      const { pki } = await keys();
      const endpoint = `${site.network.vip}:${site.endpoint.port}`;
      return bootstrapKubeconfig(endpoint, pki.cluster.certificate, await bootstrapCertificate(pki, at));
    },
    operator: async () => {
      const { pki, admin } = await keys();
      return { authority: pki.cluster.certificate, client: admin };
    },
    client: async (client) => {
      const { pki } = await keys();
      const authority = pki.cluster.certificate;
      return { authority, client: await ensureClientCertificate(folders.pki, pki, client, now()) };
    },
    presentClient: async (client) => {
      if ((await lacks()).length > 0) return undefined;
      const { pki } = await keys();
      const present = await presentClientCertificate(folders.pki, pki, client, now());
      return present && { authority: pki.cluster.certificate, client: present };
    },
    etcdClient: async (at) => {
      const { pki } = await keys();
      return { authority: pki.etcd.certificate, client: await etcdClientCertificate(pki, at) };
    },
  };
}

async function load(folders: KeyFolders, site: SitePlan, names: readonly string[], now: Date): Promise<Keys> {
  const pki = await ensureSitePki(folders.pki, site, now);
  const admin = await ensureAdminCertificate(folders.pki, pki, now);
  const ssh = await ensureSshKeys(folders.ssh, names);
  await replaceFile(folders.knownHosts(site.name), knownHosts(ssh, site.machines));
  return { pki, admin, ssh };
}

function machineKeys(ssh: SshKeys, machine: string): SeedKeys {
  const host = ssh.hosts.get(machine);
  if (!host) throw new RangeError(`no SSH host key was made for ${machine}`);
  return {
    authorizedKey: ssh.operator.publicKey,
    hostKeyPrivate: host.privateKey,
    hostKeyPublic: host.publicKey,
  };
}
