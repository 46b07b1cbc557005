/** A server's host key: shown once, taken over when a person says so, pinned from then on. */
import { createHash } from "node:crypto";
import { appendFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { worldFailed, wrongUse } from "#base/errors.ts";
import { runProcess } from "#base/process.ts";
import { type Jump, sshArguments, throughJump } from "#drivers/ssh/options.ts";

const SCAN_SECONDS = 10;
/** What may stand as a word of its own in ssh's arguments and known_hosts. */
const HOST = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/;

/** SERVER_HOST (exit 2) where it is no name or IPv4 address of a host. */
export function refuseNoHost(host: string): void {
  if (HOST.test(host)) return;
  throw wrongUse(
    "SERVER_HOST",
    `${JSON.stringify(host)} is no host name or IPv4 address.`,
    "Servers are entered as root, at port 22: name the host alone.",
  );
}

/** Whose key is wanted, and how it is asked for. */
export interface KeyedHost {
  /** As known_hosts has it. */
  readonly name: string;
  readonly host: string;
  /** 22 where it is not given. */
  readonly port?: number;
  /** What leads to it, pinned already. */
  readonly jump?: Jump | undefined;
}

/**
 * Returns once the file has the host's key. Where it has none, the host's own
 * word is taken over if its fingerprint is an `accepted` one.
 * SERVER_KEY_UNKNOWN (exit 2) names the fingerprint; SERVER_KEY_OTHER where others were accepted.
 * @returns the accepted ones that were not its.
 */
export async function ensurePinned(
  host: KeyedHost,
  knownHosts: string,
  accepted: readonly string[],
): Promise<readonly string[]> {
  const { name } = host;
  if (await isPinned(name, knownHosts)) return accepted;
  const { line, fingerprint } = await shownKey(host);
  if (accepted.length === 0) {
    throw wrongUse(
      "SERVER_KEY_UNKNOWN",
      `${knownHosts} has no host key of ${name}, which shows ${fingerprint}.`,
      `Compare on its console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub. If it is the same: --accept-key ${fingerprint}`,
    );
  }
  if (!accepted.includes(fingerprint)) {
    throw worldFailed(
      "SERVER_KEY_OTHER",
      `${name} shows ${fingerprint}, and not ${accepted.join(" or ")}.`,
      "Another machine may answer at this address: look at the server's console.",
    );
  }
  await pinKey(knownHosts, line);
  return accepted.filter((one) => one !== fingerprint);
}

/** Adds a line to the file; what is there stays, and OpenSSH believes any of a host's keys. */
export async function pinKey(knownHosts: string, line: string): Promise<void> {
  await mkdir(dirname(knownHosts), { recursive: true, mode: 0o700 });
  const before = await readFile(knownHosts, "utf8").catch(() => "");
  const apart = before === "" || before.endsWith("\n") ? "" : "\n";
  await appendFile(knownHosts, `${apart}${line}\n`, { mode: 0o600 });
}

/** As `ssh-keygen -l` and `ssh` show an ed25519 key; takes the base64 part of its line. */
export function fingerprintOf(key: string): string {
  const digest = createHash("sha256").update(Buffer.from(key, "base64")).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}

/** Also finds hosts whose names are hashed in the file. */
async function isPinned(name: string, knownHosts: string): Promise<boolean> {
  const { code } = await runProcess(["ssh-keygen", "-F", name, "-f", knownHosts]);
  return code === 0;
}

/** What the host says of itself, believed by nobody yet. */
async function shownKey(host: KeyedHost): Promise<{ readonly line: string; readonly fingerprint: string }> {
  const { shown, said } = await (host.jump ? keyThrough(host, host.jump) : keyStraight(host));
  const key = /^\S+ ssh-ed25519 ([A-Za-z0-9+/]+=*)$/m.exec(shown)?.[1];
  if (key === undefined) {
    throw worldFailed(
      "SERVER_SILENT",
      `${host.name} shows no ed25519 host key at port ${host.port ?? 22}: ${said.trim().split("\n").at(-1) || "no answer"}`,
      "See whether it runs and its SSH server can be reached from here.",
    );
  }
  return { line: `${host.name} ssh-ed25519 ${key}`, fingerprint: fingerprintOf(key) };
}

interface Shown {
  /** Lines of known_hosts. */
  readonly shown: string;
  readonly said: string;
}

async function keyStraight({ host, port = 22 }: KeyedHost): Promise<Shown> {
  const own = ["-T", String(SCAN_SECONDS), "-t", "ed25519", "-p", String(port)];
  const { stdout, stderr } = await runProcess(["ssh-keyscan", ...own, host]);
  return { shown: stdout, said: stderr };
}

/** ssh-keyscan goes through nothing: ssh itself notes the key down in a file of its own, and asks to be let in by nothing. */
async function keyThrough({ name, host, port = 22 }: KeyedHost, jump: Jump): Promise<Shown> {
  const folder = await mkdtemp(join(tmpdir(), "panopticon-key-"));
  try {
    const file = join(folder, "known_hosts");
    const settings = [
      ["StrictHostKeyChecking", "accept-new"],
      ["HashKnownHosts", "no"],
      ["HostKeyAlgorithms", "ssh-ed25519"],
      ["PreferredAuthentications", "none"],
      throughJump(jump),
    ] as const;
    const identity = { ...jump.identity, user: "root", port, knownHostsFile: file };
    const { stderr } = await runProcess([
      "ssh",
      ...sshArguments(identity, name, settings),
      "--",
      host,
      "true",
    ]);
    return { shown: await readFile(file, "utf8").catch(() => ""), said: stderr };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
