/** `panopticon server adopt HOST`: what a host lacks to carry machines, and its block for the file; `server replace`. */
import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import type { Adopted } from "#app/server-adopt.ts";
import { type JumpHost, parseJump } from "#model/jump.ts";
import { parseBytes } from "#base/units.ts";
import { replaceCommand } from "./server-replace.ts";
import { type AddCommand, command, group, type OutputOption } from "./command.ts";
import { colour, count, show } from "./print.ts";

/** Adds `server`. */
export const addServer: AddCommand = (program) => {
  program.addCommand(
    group("server", "the servers that machines stand on", [adoptCommand(), replaceCommand()]),
  );
};

interface AdoptFlags extends OutputOption {
  readonly identity?: string;
  readonly knownHosts?: string;
  readonly acceptKey: readonly string[];
  readonly jump?: JumpHost;
  readonly fix: readonly string[];
  readonly dom0Memory: number;
  readonly dryRun?: boolean;
}

function adoptCommand() {
  return command(
    "adopt",
    "say what a Debian host with Xen lacks, mend it, and print its block for the file",
    [
      "server adopt 10.11.0.2",
      "server adopt 10.11.0.2 --accept-key SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
      "server adopt 10.11.0.2 --jump me@door.home.example:2222",
      "server adopt 10.11.0.2 --fix SERVER_SAVES_GUESTS --fix SERVER_MEMORY_OPEN",
      "server adopt 10.11.0.2 --fix all --dry-run",
    ],
  )
    .argument("<host>", "its address in the site's LAN; root is to be let in by a key")
    .option("--fix <code>", "mend this finding, or `all`; may be given again", collect, [])
    .option("--dry-run", "say what would be mended, and change nothing there")
    .option("--dom0-memory <amount>", "what dom0 shall keep, such as 2GiB", memory, 2048)
    .option("--jump <user@host:port>", "a machine to go through to it, which lets the same key in", jumpHost)
    .option(
      "--accept-key <fingerprint>",
      "believe the host key of this fingerprint from now on; may be given again",
      collect,
      [],
    )
    .option("--identity <file>", "private key that root there accepts (~/.ssh/id_ed25519)")
    .option("--known-hosts <file>", "host keys of servers (~/.ssh/known_hosts)")
    .action(adopt);
}

async function adopt(host: string, flags: AdoptFlags): Promise<void> {
  const [{ adoptServer }, { showProgress }] = await Promise.all([
    import("#app/server-adopt.ts"),
    import("./progress.ts"),
  ]);
  const {
    identity,
    knownHosts,
    acceptKey: acceptKeys,
    jump,
    fix,
    dom0Memory: dom0MiB,
    dryRun = false,
    output,
  } = flags;
  const access = {
    ...(identity && { identity: resolve(identity) }),
    ...(knownHosts && { knownHosts: resolve(knownHosts) }),
  };
  const progress = showProgress();
  const { emit } = progress;
  emit({ kind: "progress", subject: host, what: "looking at it" });
  try {
    const way = jump !== undefined && { jump };
    const adopted = await adoptServer(host, { access, acceptKeys, ...way, fix, dom0MiB, dryRun, emit });
    progress.stop();
    show(output, adopted, () => [...adoptedLines(adopted, host), ...jumpLines(adopted, jump)]);
    if (!adopted.ready) process.exitCode = 1;
  } finally {
    progress.stop();
  }
}

/** What leads to the server belongs to its site. */
function jumpLines({ block }: Adopted, jump: JumpHost | undefined): readonly string[] {
  if (!jump || block === undefined) return [];
  return [
    "",
    "And beside `servers:`, for all of the site:",
    "",
    `    jump: ${jump.user}@${jump.host}:${jump.port}`,
  ];
}

const COLOURS = { critical: "red", warning: "yellow", note: "dim" } as const;

function adoptedLines({ findings, ready, block }: Adopted, host: string): readonly string[] {
  const mendable = findings.filter(({ fix }) => fix !== undefined);
  return [
    ...findings.flatMap(({ severity, code, subject, what, why, todo, files = [] }) => [
      `${colour(COLOURS[severity], severity.padEnd(8))}  ${subject}: ${what} (${code})`,
      `          why: ${why}`,
      `          → ${todo}`,
      ...files.flatMap(({ path, content }) => [
        `          ${path}:`,
        ...content
          .trimEnd()
          .split("\n")
          .map((line) => `            ${line}`.trimEnd()),
      ]),
    ]),
    ...(findings.length > 0 ? [""] : []),
    ready ? `${host} can carry machines.` : `${host} can't carry machines until what is critical is mended.`,
    ...(mendable.length > 0
      ? [
          `${count(mendable.length, "finding")} can be mended from here: --fix ${mendable[0]?.code}, or --fix all`,
        ]
      : []),
    ...(block === undefined ? [] : ["", "For the file, under the site's `servers:`:", "", block.trimEnd()]),
  ];
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function jumpHost(text: string): JumpHost {
  const jump = parseJump(text);
  if (jump) return jump;
  throw new InvalidArgumentError(
    "user@host or user@host:port is wanted, the host by its name or IPv4 address",
  );
}

function memory(text: string): number {
  const bytes = parseBytes(text);
  if (bytes !== undefined && bytes >= 512 * 2 ** 20) return Math.floor(bytes / 2 ** 20);
  throw new InvalidArgumentError("an amount such as 2GiB is wanted, 512MiB at least");
}
