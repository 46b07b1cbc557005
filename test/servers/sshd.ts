/**
 * One real sshd in the LAN, with a host key and a file system of its own, and a
 * count of what it was asked. In its path stand programs that print a recording.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { mustRun } from "#base/process.ts";
import { findTool } from "../tools.ts";
import type { Lan } from "./lan.ts";
import type { Recording } from "./recording.ts";

/** What was asked of some sshd's, since it was last set to nothing. */
export interface Asked {
  connections: number;
  /** Each connection's own first one is none. */
  commands: number;
  /** Commands at the same time, over all of these sshd's. */
  now: number;
  most: number;
}

export interface SshdOptions {
  readonly lan: Lan;
  /** A folder of its own. */
  readonly folder: string;
  readonly addresses: readonly string[];
  readonly port?: number;
  /** Made where it is not given. */
  readonly hostKey?: string;
  /** Lines of authorized_keys. */
  readonly authorized: readonly string[];
  readonly recording?: Recording;
  readonly asked: Asked;
}

export interface Sshd {
  /** `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** What its programs print from now on. */
  print(printed: Recording["printed"]): Promise<void>;
  /** Files that stand in its file system from now on, by path. */
  write(files: Recording["files"]): Promise<void>;
  /** Takes a file away. */
  remove(path: string): Promise<void>;
  /** What its programs print once this verb (such as \`shutdown\` of xl) was given. */
  printAfter(verb: string, printed: Recording["printed"]): Promise<void>;
  /** The words that its programs were called with, but for those that only look. */
  calls(): Promise<readonly string[]>;
  /** Ends it; connections that it has accepted go on. */
  kill(): Promise<void>;
}

/**
 * Every program of a dom0 that the driver calls: it prints the recording, or notes
 * what it was told and lets the next recording hold.
 */
const PROGRAM = `#!/bin/sh
did() {
  [ -d "$RECORDING/after-$1" ] || { echo "\${0##*/} $1: nothing was recorded for this" >&2; exit 1; }
  cp "$RECORDING/after-$1"/* "$RECORDING"
}
# What \`server adopt\` asks LVM was not recorded in this form.
case "$*" in *json*) exit 5 ;; esac
case "\${0##*/} $1 $2" in
  "xl info "*) exec cat "$RECORDING/info" ;;
  "xl list -l") exec cat "$RECORDING/settings" ;;
  "xl list -v") exec cat "$RECORDING/states" ;;
  "xl pci-assignable-list"*) exec cat "$RECORDING/assignable" ;;
  "xl domname "*) exec grep -qE "^[^ ]+ +$2 " "$RECORDING/states" ;;
  lvs*) exec cat "$RECORDING/volumes" ;;
  vgs*) exec cat "$RECORDING/groups" ;;
  lspci*) exec cat "$RECORDING/devices" ;;
  pvs*) exit 0 ;;
esac
echo "\${0##*/} $*" >> "$RECORDING/calls"
case "\${0##*/}" in
  xl) did "$1" ;;
  *) did "\${0##*/}" ;;
esac
`;
const AUTHORIZED = "/etc/authorized_keys";
const PROGRAMS = ["xl", "lvs", "vgs", "pvs", "lspci", "lvextend"];

/** $1 the folder with the files; then the sshd. What it writes is its own. */
const IN_ITS_OWN_FILES = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
for each in etc var/lib var/log; do
  mkdir -p "/mnt/$each.upper" "/mnt/$each.work"
  mount -t overlay overlay -o "lowerdir=/$each,upperdir=/mnt/$each.upper,workdir=/mnt/$each.work" "/$each"
done
mount -t sysfs sysfs /sys
mkdir -p /run/sshd /run/lock
mount -t tmpfs tmpfs /run/lock
cp -R "$1/files/." /
shift
exec "$@"
`;

export async function startSshd(options: SshdOptions): Promise<Sshd> {
  const { lan, folder, addresses, port = 22, authorized, recording, asked } = options;
  const record = join(folder, "recording");
  await mkdir(join(folder, "files"), { recursive: true });
  await mkdir(join(folder, "bin"));
  await mkdir(record);
  for (const [path, text] of Object.entries(recording?.files ?? {})) await put(folder, `files${path}`, text);
  for (const [name, text] of Object.entries(recording?.printed ?? {}))
    await put(folder, `recording/${name}`, text);
  for (const name of recording ? PROGRAMS : []) {
    await put(folder, `bin/${name}`, PROGRAM);
    await chmod(join(folder, "bin", name), 0o755);
  }
  // In a folder that another user than root can read, as whom sshd looks for it.
  await put(folder, `files${AUTHORIZED}`, `${authorized.join("\n")}\n`);
  const key = options.hostKey ?? join(folder, "host");
  if (options.hostKey === undefined)
    await mustRun("TEST", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]);
  const path = `${join(folder, "bin")}:/usr/sbin:/usr/bin:/sbin:/bin`;
  const settings = [
    `Port=${port}`,
    ...addresses.map((address) => `ListenAddress=${address}`),
    `HostKey=${key}`,
    `AuthorizedKeysFile=${AUTHORIZED}`,
    `PidFile=${join(folder, "pid")}`,
    "StrictModes=no",
    "UsePAM=no",
    "UseDNS=no",
    "LogLevel=VERBOSE",
    `SetEnv=HOME=${folder} PATH=${path} RECORDING=${record}`,
  ];
  const sshd = findTool("sshd");
  if (sshd === undefined) throw new Error("needs sshd (Debian package openssh-server)");
  const own = [sshd, "-D", "-e", "-f", "/dev/null", ...settings.flatMap((setting) => ["-o", setting])];
  const [program = "", ...words] = [
    ...lan.inside,
    ...["unshare", "--mount", "sh", "-c", IN_ITS_OWN_FILES, "sh", folder],
    ...own,
  ];
  const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"] });
  await listening(child, asked);
  const pid = async (): Promise<string> => (await readFile(join(folder, "pid"), "utf8")).trim();
  /** In its file system. */
  const within = async (argv: readonly string[]): Promise<void> => {
    await mustRun("TEST", [...lan.inside, "nsenter", "--target", await pid(), "--mount", ...argv]);
  };
  const [kind, public64] = (await readFile(`${key}.pub`, "utf8")).split(" ");
  return {
    hostKey: `${kind} ${public64?.trim()}`,
    print: async (printed) => {
      for (const [name, text] of Object.entries(printed)) await put(record, name, text);
    },
    write: async (files) => {
      for (const [path, text] of Object.entries(files)) await put(folder, `files${path}`, text);
      await within(["cp", "-R", `${join(folder, "files")}/.`, "/"]);
    },
    remove: (path) => within(["rm", path]),
    printAfter: async (verb, printed) => {
      for (const [name, text] of Object.entries(printed)) await put(record, `after-${verb}/${name}`, text);
    },
    calls: async () =>
      (await readFile(join(record, "calls"), "utf8").catch(() => "")).split("\n").filter(Boolean),
    kill: async () => {
      // nsenter waits for the sshd within and passes nothing on to it.
      const ended = once(child, "close");
      await mustRun("TEST", [...lan.inside, "kill", "-KILL", await pid()]);
      await ended;
    },
  };
}

async function put(folder: string, name: string, text: string): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** Returns once it listens; counts from then on. */
function listening(child: ChildProcess, asked: Asked): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest = "";
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      const lines = `${rest}${chunk.toString()}`.split(/\r?\n/);
      rest = lines.pop() ?? "";
      said += chunk.toString();
      for (const line of lines) {
        if (line.startsWith("Server listening")) resolve();
        count(line, asked);
      }
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`sshd ended with ${code}: ${said}`)));
  });
}

/** By what sshd writes at LogLevel VERBOSE; a connection's own session has the number 0. */
function count(line: string, asked: Asked): void {
  const own = line.endsWith(" id 0");
  if (line.startsWith("Accepted publickey for ")) asked.connections += 1;
  else if (line.startsWith("Starting session: command") && !own) {
    asked.commands += 1;
    asked.now += 1;
    asked.most = Math.max(asked.most, asked.now);
  } else if (line.startsWith("Close session") && !own) asked.now -= 1;
}
