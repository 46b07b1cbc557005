/** The files a machine must have before its first boot: a name, an address, and the one key that opens it. */
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";
import type { Platform, RenderedFile } from "#render/files.ts";
import { hostnameFile, hostsFile, resolvConfFile } from "./common/hosts.ts";
import { networkFile } from "./common/network.ts";
import { emitSshd } from "./formats/lines.ts";
import { sortFiles } from "./machine.ts";
import { plainText, refuse, word } from "./refuse.ts";
import type { Target } from "./target.ts";

export interface SeedKeys {
  /** The operator's public key, one line. */
  readonly authorizedKey: string;
  /** The machine's own ed25519 key in OpenSSH's format, made by us and pinned: no trust on first use. */
  readonly hostKeyPrivate: string;
  readonly hostKeyPublic: string;
}

const HOST_KEY = "/etc/ssh/ssh_host_ed25519_key";

/** The seed, sorted by path. What `renderMachine` also gives is the same here, byte for byte. */
export function renderSeed(
  plan: Plan,
  site: SitePlan,
  machine: MachinePlan,
  platform: Platform,
  keys: SeedKeys,
): readonly RenderedFile[] {
  const target: Target = { plan, site, machine, platform };
  return sortFiles([
    hostnameFile(target),
    hostsFile(target),
    resolvConfFile(target),
    networkFile(target),
    machineIdFile(machine),
    ...sshFiles(keys),
  ]);
}

/** machine-id(5) from the planned uuid, so that a machine built again is the same one. */
function machineIdFile(machine: MachinePlan): RenderedFile {
  const id = word(machine.uuid.replaceAll("-", ""), machine.name, /^[0-9a-f]{32}$/);
  return { path: "/etc/machine-id", content: `${id}\n`, mode: 0o444 };
}

/** Who is let in, the host key, and how the SSH server works. */
export function sshFiles(keys: SeedKeys): RenderedFile[] {
  return [
    {
      path: "/root/.ssh/authorized_keys",
      content: publicKey(keys.authorizedKey, "authorized key"),
      mode: 0o600,
    },
    { path: HOST_KEY, content: privateKey(keys.hostKeyPrivate), mode: 0o600 },
    { path: `${HOST_KEY}.pub`, content: publicKey(keys.hostKeyPublic, "host key"), mode: 0o644 },
    { path: "/etc/ssh/sshd_config.d/10-panopticon.conf", content: SSHD, mode: 0o644 },
  ];
}

/** Keys only, one host key, nothing that asks a name server; many sessions over one connection. */
const SSHD = emitSshd([
  ["HostKey", HOST_KEY],
  ["PermitRootLogin", "prohibit-password"],
  ["AuthenticationMethods", "publickey"],
  ["PasswordAuthentication", "no"],
  ["KbdInteractiveAuthentication", "no"],
  ["GSSAPIAuthentication", "no"],
  // Root's sessions need no login manager; on a booting box each costs a second.
  ["UsePAM", "no"],
  ["UseDNS", "no"],
  // A run that is killed in the middle of a login must not lock the next one out.
  ["PerSourcePenalties", "no"],
  ["X11Forwarding", "no"],
  ["PrintMotd", "no"],
  ["MaxSessions", 64],
]);

function publicKey(text: string, what: string): string {
  const line = plainText(text.trimEnd(), what);
  return `${word(line, what, /^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( .*)?$/)}\n`;
}

const PRIVATE_KEY =
  /^-----BEGIN OPENSSH PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+\n-----END OPENSSH PRIVATE KEY-----\n?$/;

/** Never names the key: errors are printed. */
function privateKey(text: string): string {
  if (PRIVATE_KEY.test(text)) return `${text.trimEnd()}\n`;
  throw refuse(
    "RENDER_BAD_KEY",
    "the private host key is not in OpenSSH's format",
    "make it with ssh-keygen -t ed25519",
    HOST_KEY,
  );
}
