/**
 * Commands and files on machines by the system's OpenSSH. It starts fast, many
 * commands share one connection per machine, and a machine is believed only
 * with the host key we made for it.
 */
import { createHash, randomBytes } from "node:crypto";
import { lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { worldFailed, wrongUse } from "#base/errors.ts";
import type { CommandResult, RunOptions, Shell } from "#ports/shell.ts";
import { connectionFailure, connectionLost, timedOut } from "./failure.ts";
import { type Limit, limiter } from "./limit.ts";
import { type Master, openMaster } from "./master.ts";
import { type Jump, type SshIdentity, sshArguments, throughJump } from "./options.ts";
import { putCommand } from "./put.ts";
import { quoteCommand } from "./quote.ts";
import { runSession } from "./session.ts";

/** sshd's MaxSessions is 10 on one connection, and the master has one itself. */
const SESSIONS_PER_MACHINE = 8;
/** An sshd lets at most ten in at the same time that have not shown who they are (MaxStartups). */
const CONNECTS_PER_JUMP = 8;
/** sockaddr_un has 108 bytes; ssh binds under a longer name (a dot and 16 characters) first. */
const SOCKET_PATH_MAX = 107 - 17;
const SHOWN_COMMAND = 120;

export interface OpenSshSettings extends SshIdentity {
  /** The machine's address; throws for a machine it does not know. */
  readonly addressOf: (machine: string) => string;
  /** The machine that leads to it; all are reached directly where this is not given. */
  readonly jumpTo?: (machine: string) => Jump | undefined;
  /** A folder with a short path for the sockets; made with mode 0700. */
  readonly controlDir: string;
}

/** What a shell keeps while it is open. */
interface OpenShell extends OpenSshSettings {
  /** By the jump's name: how many go through it before they are in. */
  readonly doors: Map<string, Limit>;
}

/** A machine's shared connection, made anew where it has died. */
interface Link {
  readonly limit: Limit;
  master: Promise<Master> | undefined;
}

interface Command {
  readonly machine: string;
  readonly argv: readonly string[];
  readonly options: RunOptions;
  /** What errors call it. */
  readonly shown: string;
}

/** Opens nothing yet: the first command to a machine connects to it. */
export function openSshShell(given: OpenSshSettings): Shell {
  const settings: OpenShell = { ...given, doors: new Map() };
  const links = new Map<string, Link>();
  const linkTo = (machine: string): Link => {
    const link = links.get(machine) ?? { limit: limiter(SESSIONS_PER_MACHINE), master: undefined };
    links.set(machine, link);
    return link;
  };
  return {
    run: async (machine, argv, options = {}) => {
      const link = linkTo(machine);
      return await link.limit(() =>
        runOver(settings, link, { machine, argv, options, shown: shorten(argv) }),
      );
    },
    put: async (machine, files) => {
      if (files.length === 0) return;
      const link = linkTo(machine);
      const { argv, input } = await putCommand(files);
      const result = await link.limit(() =>
        runOver(settings, link, { machine, argv, options: { input }, shown: "writing files" }),
      );
      if (result.code !== 0) {
        throw worldFailed("SSH_PUT_FAILED", `Could not write files on ${machine}: ${result.stderr.trim()}`);
      }
    },
    close: async () => {
      const open = [...links.values()].flatMap(({ master }) => master ?? []);
      links.clear();
      // A connection that could not be made has told its caller already.
      for (const made of await Promise.allSettled(open)) {
        if (made.status === "fulfilled") await made.value.close();
      }
    },
  };
}

/** Runs the command; where the shared connection turns out to be dead before it started, once more over a new one. */
async function runOver(
  settings: OpenShell,
  link: Link,
  { machine, argv, options, shown }: Command,
): Promise<CommandResult> {
  const address = settings.addressOf(machine);
  const args = sshArguments(settings, machine, [["ControlMaster", "no"]]);
  const command = quoteCommand(endingThere(argv, options.timeoutSeconds));
  for (let attempt = 1; ; attempt += 1) {
    const pending = (link.master ??= connect(settings, machine));
    const master = await pending.catch((error: unknown) => {
      if (link.master === pending) link.master = undefined;
      throw error;
    });
    const result = await runSession(master.socket, args, address, command, options);
    if (result.timedOut) throw timedOut(machine, shown, options.timeoutSeconds ?? 0);
    const { code, stdout, stderr, refused } = result;
    // ssh ends with 255 where it failed itself; a command may end so as well, with its connection alive.
    if (code !== 255) return { code, stdout, stderr };
    const alive = await master.alive();
    if (!refused && alive) return { code, stdout, stderr };
    if (!alive && link.master === pending) link.master = undefined;
    if (!refused) throw connectionLost(machine, shown);
    if (alive || attempt === 2) throw connectionFailure(machine, address, stderr);
  }
}

/** A local ssh that is killed leaves its command running there: the machine itself ends it a second later. */
function endingThere(argv: readonly string[], seconds: number | undefined): readonly string[] {
  return seconds === undefined ? argv : ["timeout", "-k", "5", String(Math.ceil(seconds) + 1), ...argv];
}

function shorten(argv: readonly string[]): string {
  const line = argv.join(" ");
  return line.length > SHOWN_COMMAND ? `${line.slice(0, SHOWN_COMMAND)}…` : line;
}

async function connect(settings: OpenShell, machine: string): Promise<Master> {
  await ensureControlDir(settings.controlDir);
  // Another run of ours may hold sockets in the same folder: names are not shared.
  const name = createHash("sha256").update(machine).update(randomBytes(16)).digest("hex").slice(0, 16);
  const socket = join(settings.controlDir, name);
  if (Buffer.byteLength(socket) > SOCKET_PATH_MAX) {
    throw wrongUse(
      "SSH_CONTROL_DIR",
      `The path ${settings.controlDir} is too long for sockets: ${Buffer.byteLength(socket)} bytes with a name, at most ${SOCKET_PATH_MAX} are possible.`,
      "Give a shorter folder (XDG_RUNTIME_DIR or TMPDIR).",
    );
  }
  const address = settings.addressOf(machine);
  const jump = settings.jumpTo?.(machine);
  if (jump === undefined)
    return await openMaster({ machine, address }, sshArguments(settings, machine, []), socket);
  const door = outermost(jump).name;
  const limit = settings.doors.get(door) ?? limiter(CONNECTS_PER_JUMP);
  settings.doors.set(door, limit);
  const args = sshArguments(settings, machine, [throughJump(jump)]);
  return await limit(() => openMaster({ machine, address, through: jump.name }, args, socket));
}

function outermost(jump: Jump): Jump {
  return jump.through ? outermost(jump.through) : jump;
}

/** Whoever can write in the folder could answer in a machine's place. */
async function ensureControlDir(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const state = await lstat(dir);
  if (state.isDirectory() && state.uid === process.getuid?.() && (state.mode & 0o077) === 0) return;
  throw worldFailed(
    "SSH_CONTROL_DIR",
    `${dir} is not a folder that only its owner, the user of this program, can use.`,
    `Remove it, or \`chmod 700 ${dir}\` where it is yours.`,
  );
}
