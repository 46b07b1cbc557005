/** How we speak SSH: keys of our own, host keys pinned before the first connection, nothing from the person's settings. */
import { wrongUse } from "#base/errors.ts";
import { quoteCommand } from "./quote.ts";

export interface SshIdentity {
  /** The operator's private key. */
  readonly keyFile: string;
  /** The pinned host keys, by machine name. */
  readonly knownHostsFile: string;
  /** root where it is not given. */
  readonly user?: string;
  /** 22 where it is not given. */
  readonly port?: number;
  /** Ask the person's SSH agent for the key, too, which may have a passphrase. */
  readonly agent?: boolean;
}

/** A machine on the way to another one. */
export interface Jump {
  readonly identity: SshIdentity;
  /** Its name in `knownHostsFile`. */
  readonly name: string;
  readonly address: string;
  /** What leads to it. */
  readonly through?: Jump | undefined;
}

/**
 * The setting by which a connection goes through another machine. Not ProxyJump,
 * whose ssh would read the person's own settings and believe their host keys.
 */
export function throughJump({ identity, name, address, through }: Jump): readonly [string, string] {
  const way = through ? [throughJump(through)] : [];
  const own = quoteCommand(["ssh", ...sshArguments(identity, name, way)]);
  return ["ProxyCommand", `${own.replaceAll("%", "%%")} -W %h:%p -- ${quoteCommand([address])}`];
}

/** The settings of ssh_config(5) that hold for every machine, in pairs. */
function commonOptions(identity: SshIdentity): readonly (readonly [string, string])[] {
  return [
    ["User", identity.user ?? "root"],
    ["Port", String(identity.port ?? 22)],
    ["IdentityFile", quotePath(identity.keyFile)],
    ["IdentitiesOnly", "yes"],
    ...(identity.agent ? [] : [["IdentityAgent", "none"] as const]),
    ["PreferredAuthentications", "publickey"],
    ["StrictHostKeyChecking", "yes"],
    ["UserKnownHostsFile", quotePath(identity.knownHostsFile)],
    ["GlobalKnownHostsFile", "/dev/null"],
    ["CheckHostIP", "no"],
    ["UpdateHostKeys", "no"],
    // First choice: the post-quantum exchange that older clients prefer costs 0.13 s of processor time a connection.
    ["KexAlgorithms", "^curve25519-sha256"],
    ["ConnectTimeout", "10"],
    ["ServerAliveInterval", "5"],
    ["ServerAliveCountMax", "3"],
    ["LogLevel", "ERROR"],
  ];
}

/** Arguments of `ssh` for one machine, up to its address; `-F none` keeps the person's own settings out. */
export function sshArguments(
  identity: SshIdentity,
  machine: string,
  more: readonly (readonly [string, string])[],
): readonly string[] {
  const options = [...more, ...commonOptions(identity), ["BatchMode", "yes"], ["HostKeyAlias", machine]];
  return ["-F", "none", "-T", "-a", "-x", ...options.flatMap(([key, value]) => ["-o", `${key}=${value}`])];
}

/** A configuration for a person's own `ssh -F FILE MACHINE`, with the same pinned keys. */
export function sshConfig(
  identity: SshIdentity,
  machines: readonly { readonly name: string; readonly address: string }[],
  jumpTo?: (machine: string) => Jump | undefined,
): string {
  const common = commonOptions(identity).map(([key, value]) => `  ${key} ${value}\n`);
  const hosts = machines.map(({ name, address }) => {
    const jump = jumpTo?.(name);
    const way = jump ? `  ${throughJump(jump).join(" ")}\n` : "";
    return `Host ${name}\n  HostName ${address}\n  HostKeyAlias ${name}\n${way}${common.join("")}`;
  });
  return hosts.join("\n");
}

/** ssh splits such values at spaces and expands `%`. */
function quotePath(path: string): string {
  if (/["\n\\]/.test(path)) {
    throw wrongUse(
      "SSH_PATH",
      `OpenSSH cannot be given the path ${JSON.stringify(path)}.`,
      "Use a state folder without quotes, backslashes or line breaks in its path (XDG_STATE_HOME).",
    );
  }
  return `"${path.replaceAll("%", "%%")}"`;
}
