/**
 * SSH identities: the operator's key and one host key per machine, made before
 * the machine is, so that its key is pinned from the first connection on.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { mustRun } from "#base/process.ts";
import { createOnce, privateFolder, readIfThere } from "./store.ts";

const PARALLEL = 4;

/** An ed25519 key in OpenSSH's formats. */
export interface SshKey {
  /** Where the private key is, mode 0600. */
  readonly file: string;
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA… comment`, one line without its end. */
  readonly publicKey: string;
}

export interface SshKeys {
  readonly operator: SshKey;
  /** By machine name. */
  readonly hosts: ReadonlyMap<string, SshKey>;
}

/**
 * Reads the operator's key `dir`/operator and the machines' keys
 * `dir`/hosts/<machine>, and makes what is missing with ssh-keygen. Errors:
 * PKI_SSH_KEYGEN (the tool is absent, or the key file cannot be read).
 */
export async function ensureSshKeys(dir: string, machines: readonly string[]): Promise<SshKeys> {
  const operator = await ensureKey(join(dir, "operator"), "panopticon operator");
  const hosts = new Map<string, SshKey>();
  const waiting = [...machines];
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      hosts.set(name, await ensureKey(join(dir, "hosts", name), name));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return { operator, hosts };
}

/** A known_hosts file that pins each machine, by name and by address, to its key (sshd(8), SSH_KNOWN_HOSTS). */
export function knownHosts(
  keys: SshKeys,
  machines: readonly { readonly name: string; readonly address: string }[],
): string {
  return machines
    .map(({ name, address }) => {
      const [type, key] = hostKey(keys, name).publicKey.split(" ");
      return `${name},${address} ${type} ${key}\n`;
    })
    .join("");
}

function hostKey(keys: SshKeys, machine: string): SshKey {
  const key = keys.hosts.get(machine);
  if (!key) throw new RangeError(`no SSH host key was made for ${machine}`);
  return key;
}

async function ensureKey(file: string, comment: string): Promise<SshKey> {
  const privateKey = (await readIfThere(file)) ?? (await createOnce(file, await generate(file, comment)));
  const publicKey =
    (await readIfThere(`${file}.pub`)) ??
    (await createOnce(`${file}.pub`, await sshKeygen(["-y", "-P", "", "-f", file])));
  return { file, privateKey, publicKey: publicKey.trimEnd() };
}

/** ssh-keygen writes two files where it is told: it gets a folder of its own, and only the private key counts. */
async function generate(file: string, comment: string): Promise<string> {
  const parent = join(file, "..");
  await privateFolder(parent);
  const folder = await mkdtemp(join(parent, ".new-"));
  try {
    await sshKeygen(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", join(folder, "key")]);
    return await readFile(join(folder, "key"), "utf8");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function sshKeygen(args: readonly string[]): Promise<string> {
  return await mustRun("PKI_SSH_KEYGEN", ["ssh-keygen", ...args]);
}
