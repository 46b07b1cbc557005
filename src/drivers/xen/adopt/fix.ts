/** Mends what was found, as far as that was asked for. */
import { worldFailed, wrongUse } from "#base/errors.ts";
import { nearest } from "#model/nearest.ts";
import type { Shell } from "#ports/shell.ts";
import type { Fix, ServerFinding } from "./finding.ts";

/** A finding that is to be mended. */
export type Mendable = ServerFinding & { readonly fix: Fix };

/** Findings that can be mended from here; the others' `todo` is a person's. */
export const MENDABLE = [
  "SERVER_MEMORY_OPEN",
  "SERVER_SAVES_GUESTS",
  "SERVER_STARTS_NO_GUESTS",
  "SERVER_NO_TIME",
  "SERVER_NO_PCIBACK",
] as const;

/** `update-grub` on an emulated server takes a minute. */
const COMMAND_SECONDS = 600;

/** Refuses what is no finding that could be mended, before anything is looked at: SERVER_FIX_UNKNOWN. */
export function refuseUnknownFixes(asked: readonly string[]): void {
  const known: readonly string[] = [...MENDABLE, "all"];
  const wrong = asked.find((code) => !known.includes(code));
  if (wrong === undefined) return;
  const near = nearest(wrong, known);
  throw wrongUse(
    "SERVER_FIX_UNKNOWN",
    `${wrong} is no finding that can be mended from here.`,
    near ? `Did you mean ${near}?` : `There are ${known.join(", ")}.`,
  );
}

/**
 * The findings to mend, by their codes or `all`. SERVER_NO_FIX where one can't
 * be mended on this server; a code that was not found is no mistake, for it may
 * have been mended by a run before this one.
 */
export function chooseFixes(
  findings: readonly ServerFinding[],
  asked: readonly string[],
): readonly Mendable[] {
  const mendable = findings.filter((finding): finding is Mendable => finding.fix !== undefined);
  if (asked.includes("all")) return mendable;
  const stuck = findings.find(({ code, fix }) => asked.includes(code) && fix === undefined);
  if (stuck !== undefined) {
    throw wrongUse("SERVER_NO_FIX", `${stuck.code} can't be mended from here: ${stuck.what}.`, stuck.todo);
  }
  return mendable.filter(({ code }) => asked.includes(code));
}

/** Writes the files and runs the commands, in their order; SERVER_FIX_FAILED with a command's own words. */
export async function applyFix(shell: Shell, host: string, { code, fix }: Mendable): Promise<void> {
  await shell.put(host, fix.files);
  for (const argv of fix.commands) {
    const result = await shell.run(host, argv, { timeoutSeconds: COMMAND_SECONDS });
    if (result.code === 0) continue;
    const said = (result.stderr || result.stdout).trim().slice(-1000);
    throw worldFailed(
      "SERVER_FIX_FAILED",
      `${code} on ${host} could not be mended: \`${argv.join(" ")}\` ended with ${result.code}: ${said}`,
      "Mend what it says, then run the same again.",
    );
  }
}
