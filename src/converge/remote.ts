/** Small questions to machines, asked the same way by several phases. */
import { worldFailed } from "#base/errors.ts";
import type { MachinePlan } from "#plan/plan.ts";
import type { RenderedFile } from "#render/files.ts";
import { sha256 } from "#base/hash.ts";
import type { SiteContext } from "./phase.ts";

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
): Promise<string> {
  const result = await context.shell.run(machine, argv, { timeoutSeconds });
  if (result.code === 0) return result.stdout;
  const said = (result.stderr || result.stdout).trim().slice(-2000);
  throw worldFailed(
    "CONVERGE_COMMAND_FAILED",
    `${machine}: \`${argv.join(" ")}\` ended with ${result.code}: ${said || "no message"}`,
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

/** The files whose content or mode on the machine is not as wanted. */
export async function differing(
  context: SiteContext,
  machine: MachinePlan,
  wanted: readonly RenderedFile[],
): Promise<readonly RenderedFile[]> {
  const script = 'sha256sum -- "$@" 2>/dev/null; stat -c "%a %n" -- "$@" 2>/dev/null; true';
  const paths = wanted.map((file) => file.path);
  const out = await must(context, machine.name, ["sh", "-c", script, "sh", ...paths]);
  const seen = new Set(out.split("\n"));
  return wanted.filter(
    (file) =>
      !seen.has(`${sha256(file.content)}  ${file.path}`) ||
      !seen.has(`${file.mode.toString(8)} ${file.path}`),
  );
}

/** Of these systemd units, those that are not active. */
export async function inactive(
  context: SiteContext,
  machine: string,
  units: readonly string[],
): Promise<readonly string[]> {
  const { stdout } = await context.shell.run(machine, ["systemctl", "is-active", ...units], {
    timeoutSeconds: 30,
  });
  const states = stdout.split("\n");
  return units.filter((_unit, index) => states[index] !== "active");
}
