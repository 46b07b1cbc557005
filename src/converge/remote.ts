/** Small questions to machines, asked the same way by several phases. */
import { worldFailed } from "#base/errors.ts";
import type { RunOptions } from "#ports/shell.ts";
import type { RenderedFile } from "#render/files.ts";
import { sha256 } from "#base/hash.ts";
import type { SiteContext } from "./phase.ts";
import type { Service } from "./services.ts";

/** A command may be a whole script; its beginning tells which. */
const SHOWN_COMMAND = 160;

/** Names of the machines that run now; the others are asked nothing. */
export async function running({ hypervisor, site }: SiteContext): Promise<ReadonlySet<string>> {
  const observed = await hypervisor.observe(site);
  return new Set(observed.filter(({ state }) => state === "running").map(({ name }) => name));
}

/** Runs a command that must end well; gives what it printed. */
export async function must(
  context: SiteContext,
  machine: string,
  argv: readonly string[],
  timeoutSeconds = 60,
  input?: RunOptions["input"],
): Promise<string> {
  const result = await context.shell.run(machine, argv, {
    timeoutSeconds,
    ...(input !== undefined && { input }),
  });
  if (result.code === 0) return result.stdout;
  const said = (result.stderr || result.stdout).trim().slice(-2000);
  throw worldFailed(
    "CONVERGE_COMMAND_FAILED",
    `${machine}: \`${argv.join(" ").replaceAll(/\s+/g, " ").slice(0, SHOWN_COMMAND)}\` ended with ${result.code}: ${said || "no message"}`,
  );
}

/** Which of these paths exist on a machine. */
export async function existing(
  context: SiteContext,
  machine: string,
  paths: readonly string[],
): Promise<ReadonlySet<string>> {
  const script = 'for path in "$@"; do if [ -e "$path" ]; then echo "$path"; fi; done';
  const out = await must(context, machine, ["sh", "-c", script, "sh", ...paths]);
  return new Set(out.split("\n").filter(Boolean));
}

/** What of a machine's files and services is not as wanted. */
export interface Deviation {
  /** Files whose content or mode differs. */
  readonly stale: readonly RenderedFile[];
  /** Units that are not active. */
  readonly down: readonly string[];
  /** Marks (paths) that stand on the machine. */
  readonly marks: readonly string[];
}

/** Fixed text; $1 holds our own units, each with the path it needs, and neither has a space. */
const INSPECT = `units=$1; shift
sha256sum -- "$@" 2>/dev/null
stat -c "%a %n" -- "$@" 2>/dev/null
for pair in $units; do
  unit=\${pair%%:*}
  [ -e "\${pair#*:}" ] || continue
  systemctl is-active --quiet "$unit" || echo "down $unit"
done`;

/** Compares a machine's files and services with what is wanted, in one question. */
export async function inspect(
  context: SiteContext,
  machine: string,
  wanted: {
    readonly files: readonly RenderedFile[];
    readonly services: readonly Service[];
    readonly marks: readonly string[];
  },
): Promise<Deviation> {
  const paths = [...wanted.files.map((file) => file.path), ...wanted.marks];
  const units = wanted.services.map(({ unit, needs }) => `${unit}:${needs ?? "/"}`).join(" ");
  const out = await must(context, machine, ["sh", "-c", INSPECT, "sh", units, ...paths]);
  const lines = out.split("\n");
  const seen = new Set(lines);
  const present = new Set(lines.map((line) => line.split("  ")[1]));
  const isStale = ({ path, content, mode }: RenderedFile) =>
    !seen.has(`${sha256(content)}  ${path}`) || !seen.has(`${mode.toString(8)} ${path}`);
  return {
    stale: wanted.files.filter(isStale),
    down: wanted.services.map(({ unit }) => unit).filter((unit) => seen.has(`down ${unit}`)),
    marks: wanted.marks.filter((mark) => present.has(mark)),
  };
}
