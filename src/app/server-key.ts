/** A server's host key: shown once, taken over when a person says so, pinned from then on. */
import { createHash } from "node:crypto";
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { worldFailed, wrongUse } from "#base/errors.ts";
import { runProcess } from "#base/process.ts";

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

/**
 * Returns once the file has the host's key. Where it has none, the host's own
 * word is taken over if its fingerprint is the `accepted` one.
 * SERVER_KEY_UNKNOWN (exit 2) names the fingerprint; SERVER_KEY_OTHER where another was accepted.
 */
export async function ensurePinned(host: string, knownHosts: string, accepted?: string): Promise<void> {
  if (await isPinned(host, knownHosts)) return;
  const { line, fingerprint } = await shownKey(host);
  if (accepted === undefined) {
    throw wrongUse(
      "SERVER_KEY_UNKNOWN",
      `${knownHosts} has no host key of ${host}, which shows ${fingerprint}.`,
      `Compare on the server's console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub. If it is the same: --accept-key ${fingerprint}`,
    );
  }
  if (accepted !== fingerprint) {
    throw worldFailed(
      "SERVER_KEY_OTHER",
      `${host} shows ${fingerprint}, and not ${accepted}.`,
      "Another machine may answer at this address: look at the server's console.",
    );
  }
  await pinKey(knownHosts, line);
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
async function isPinned(host: string, knownHosts: string): Promise<boolean> {
  const { code } = await runProcess(["ssh-keygen", "-F", host, "-f", knownHosts]);
  return code === 0;
}

/** What the host says of itself, believed by nobody yet. */
async function shownKey(host: string): Promise<{ readonly line: string; readonly fingerprint: string }> {
  const scan = ["ssh-keyscan", "-T", String(SCAN_SECONDS), "-t", "ed25519", host];
  const { stdout, stderr } = await runProcess(scan);
  const key = /^\S+ ssh-ed25519 ([A-Za-z0-9+/]+=*)$/m.exec(stdout)?.[1];
  if (key === undefined) {
    throw worldFailed(
      "SERVER_SILENT",
      `${host} shows no ed25519 host key at port 22: ${stderr.trim().split("\n").at(-1) || "no answer"}`,
      "See whether it runs and its SSH server can be reached from here.",
    );
  }
  return { line: `${host} ssh-ed25519 ${key}`, fingerprint: fingerprintOf(key) };
}
