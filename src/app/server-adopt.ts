/** A host that is to become one of the file's servers: looked at, judged, mended as far as that was asked for. */
import { worldFailed } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import type { Jump } from "#drivers/ssh/options.ts";
import { openSshShell } from "#drivers/ssh/shell.ts";
import { serverBlock } from "#drivers/xen/adopt/block.ts";
import { type HostFacts, readHost } from "#drivers/xen/adopt/facts.ts";
import type { ServerFinding } from "#drivers/xen/adopt/finding.ts";
import { couldCarry, judgeServer } from "#drivers/xen/adopt/findings.ts";
import { applyFix, chooseFixes, refuseUnknownFixes } from "#drivers/xen/adopt/fix.ts";
import { HOST_SCRIPT } from "#drivers/xen/adopt/script.ts";
import type { JumpHost } from "#model/jump.ts";
import type { Shell } from "#ports/shell.ts";
import { controlDir } from "./machine-access.ts";
import { jumpThrough, type ServerAccess, serverIdentity } from "./server-access.ts";
import { ensurePinned, type KeyedHost, refuseNoHost } from "./server-key.ts";

/** A look takes a few seconds on an emulated server. */
const LOOK_SECONDS = 120;

export interface AdoptOptions {
  readonly access: ServerAccess;
  /** What leads to the host. */
  readonly jump?: JumpHost;
  /** Fingerprints of host keys that a person has compared: the host's, and that of what leads to it. */
  readonly acceptKeys: readonly string[];
  /** Codes of findings that are to be mended, or `all`. */
  readonly fix: readonly string[];
  /** What dom0 shall keep. */
  readonly dom0MiB: number;
  readonly dryRun: boolean;
  readonly emit: Emit;
}

export interface Adopted {
  /** What is still wanting; in a dry run: what was. */
  readonly findings: readonly ServerFinding[];
  /** Codes of what was mended, or in a dry run would be. */
  readonly mended: readonly string[];
  /** Whether the server could carry machines. */
  readonly ready: boolean;
  /** For the file; missing where Xen or a volume group is. */
  readonly block?: string;
}

/** Errors: SERVER_… */
export async function adoptServer(host: string, options: AdoptOptions): Promise<Adopted> {
  const { access, acceptKeys, fix, dom0MiB, dryRun, emit } = options;
  refuseNoHost(host);
  refuseUnknownFixes(fix);
  const identity = serverIdentity(access);
  const jump = options.jump && jumpThrough(options.jump, access);
  const left = jump ? await ensurePinned(doorOf(jump), identity.knownHostsFile, acceptKeys) : acceptKeys;
  await ensurePinned({ name: host, host, jump }, identity.knownHostsFile, left);
  const ways = { jumpTo: () => jump, controlDir: controlDir() };
  const shell = openSshShell({ ...identity, addressOf: (name) => name, ...ways });
  try {
    let facts = await look(shell, host);
    let findings = judgeServer(facts, { dom0MiB });
    const chosen = chooseFixes(findings, fix);
    for (const finding of chosen) {
      const { files, commands } = finding.fix;
      const words = [...files.map(({ path }) => `write ${path}`), ...commands.map((argv) => argv.join(" "))];
      emit({
        kind: "note",
        subject: host,
        what: `${dryRun ? "would mend" : "mends"} ${finding.code}: ${words.join("; ")}`,
      });
      if (!dryRun) await applyFix(shell, host, finding);
    }
    if (chosen.length > 0 && !dryRun) {
      facts = await look(shell, host);
      findings = judgeServer(facts, { dom0MiB });
    }
    const block = serverBlock(facts, { dom0MiB });
    const mended = chosen.map(({ code }) => code);
    return { findings, mended, ready: couldCarry(findings), ...(block !== undefined && { block }) };
  } finally {
    await shell.close();
  }
}

function doorOf({ name, address, identity: { port } }: Jump): KeyedHost {
  return { name, host: address, ...(port !== undefined && { port }) };
}

async function look(shell: Shell, host: string): Promise<HostFacts> {
  const { stdout } = await shell.run(host, ["sh", "-c", HOST_SCRIPT], { timeoutSeconds: LOOK_SECONDS });
  const facts = readHost(host, stdout);
  if (facts.root) return facts;
  throw worldFailed(
    "SERVER_NOT_ROOT",
    `${host} was entered as another user than root.`,
    "Let root in by a key.",
  );
}
