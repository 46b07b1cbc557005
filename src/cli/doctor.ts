/** `panopticon doctor`: what this box lacks for a lab, and how to get it. */
import type { HostFinding } from "#app/host-findings.ts";
import { type AddCommand, command, labFile, type OutputOption } from "./command.ts";
import { colour, show } from "./print.ts";

/** Adds `doctor`. */
export const addDoctor: AddCommand = (program) => {
  program.addCommand(
    command("doctor", "say what this box lacks to run the lab, and how to get it", ["doctor"])
      .argument("[file]", "federation file whose networks are checked against this box's routes")
      .action(doctor),
  );
};

async function doctor(file: string | undefined, { output }: OutputOption): Promise<void> {
  const [{ readFederation }, { couldRun, inspectHost }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/host.ts"),
  ]);
  const { federation } = await readFederation(labFile(file));
  const findings = await inspectHost(federation);
  const ready = couldRun(findings);
  show(output, { ready, findings }, () => [
    ...findings.flatMap(findingLines),
    "",
    ready
      ? "The lab can run here: panopticon lab up"
      : "The lab can't run here until what is missing is there.",
  ]);
  if (!ready) process.exitCode = 1;
}

const COLOURS = { ok: "green", warning: "yellow", missing: "red" } as const;

function findingLines(finding: HostFinding): readonly string[] {
  const state = colour(COLOURS[finding.state], finding.state.padEnd(7));
  const line = `${state}  ${finding.subject}: ${finding.what}`;
  if (!finding.fix) return [line];
  return [line, `         why: ${finding.why}`, `         → ${finding.fix}`];
}
