/** `panopticon apply FILE`: machines on a person's servers as the file plans them. */
import { resolve } from "node:path";
import type { ApplyResult } from "#app/apply.ts";
import type { ServerAccess } from "#app/server-access.ts";
import { type AddCommand, command, type OutputOption } from "./command.ts";
import { colour, count, show } from "./print.ts";

/** Adds `apply`. */
export const addApply: AddCommand = (program) => {
  program.addCommand(
    command("apply", "bring the machines of a file up on your Xen servers, or back to their plan", [
      "apply home.yaml --dry-run",
      "apply home.yaml",
      "apply home.yaml --identity ~/.ssh/servers --log apply.log",
    ])
      .argument("<file>", "federation file whose servers have an `address:`")
      .option("--dry-run", "say what would be changed and what is away meanwhile, and change no server")
      .option(
        "--accept-outage",
        "make changes also where a promise of the federation does not hold meanwhile",
      )
      .option("--until <phase>", "stop after this phase, such as machines or ecams")
      .option("--identity <file>", "private key that root of the servers accepts (~/.ssh/id_ed25519)")
      .option("--known-hosts <file>", "host keys of the servers by address (~/.ssh/known_hosts)")
      .option("--through-servers", "reach the machines through their servers, from outside of the LAN")
      .option("--direct", "leave out the sites' `jump:`, from inside of their LAN")
      .option("--log <file>", "write everything that happens there, too")
      .action(apply),
  );
};

interface ApplyFlags extends OutputOption {
  readonly dryRun?: boolean;
  readonly acceptOutage?: boolean;
  readonly until?: string;
  readonly identity?: string;
  readonly knownHosts?: string;
  readonly throughServers?: boolean;
  readonly direct?: boolean;
  readonly log?: string;
}

async function apply(path: string, flags: ApplyFlags): Promise<void> {
  const [{ readFederation, writeText }, { applyFile, logged }, { showProgress }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/apply.ts"),
    import("./progress.ts"),
  ]);
  const file = await readFederation(path);
  const { dryRun = false, acceptOutage = false, until, log, output } = flags;
  if (log !== undefined) await writeText(log, "");
  const progress = showProgress();
  const emit = log === undefined ? progress.emit : logged(progress.emit, log);
  const started = Date.now();
  try {
    const access = accessOf(flags);
    const options = { dryRun, acceptOutage, ...(until !== undefined && { until }), access, emit };
    const result = await applyFile(file, options);
    progress.stop();
    const seconds = (Date.now() - started) / 1000;
    const { changes, plan } = result;
    show(output, { changes, dryRun, seconds, plan }, () =>
      dryRun ? plannedLines(result) : doneLines(result, seconds, flags),
    );
  } finally {
    progress.stop();
  }
}

/** With whole paths, because later commands are told them too. */
function accessOf({
  identity,
  knownHosts,
  throughServers = false,
  direct = false,
}: ApplyFlags): ServerAccess {
  return {
    ...(identity && { identity: resolve(identity) }),
    ...(knownHosts && { knownHosts: resolve(knownHosts) }),
    throughServers,
    direct,
  };
}

function plannedLines({ changes }: ApplyResult): readonly string[] {
  if (changes === 0) return ["Nothing would be changed."];
  return [`${count(changes, "change")} would be made; no server was changed.`];
}

function doneLines(
  { plan, changes }: ApplyResult,
  seconds: number,
  { until }: ApplyFlags,
): readonly string[] {
  const outcome = changes === 0 ? "nothing to change" : count(changes, "change");
  const sites = plan.sites.filter(({ machines }) => machines.length > 0);
  return [
    `${colour("bold", plan.federation)} is as planned${until ? ` until ${until}` : ""}: ${outcome} in ${Math.round(seconds)} s.`,
    ...sites.map(
      ({ name, machines, network }) => `  ${name}: ${count(machines.length, "machine")}, VIP ${network.vip}`,
    ),
    "",
    "Next:",
    "  panopticon exec --all -- uptime",
    `  panopticon shell ${sites[0]?.machines[0]?.name}`,
  ];
}
