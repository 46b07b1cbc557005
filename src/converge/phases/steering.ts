import { type MachinePlan, machinesOf } from "#plan/plan.ts";
import { PROGRAM_FOLDER } from "#render/ecam/program-unit.ts";
import type { Phase, SiteContext } from "../phase.ts";
import type { Program, ProgramPart } from "../program.ts";
import { must, running } from "../remote.ts";
import { STEERING, WATCHDOG } from "../services.ts";

/** The runtime is some 130 MB over the LAN; the usual change is 2. */
const BRING_SECONDS = 300;

/** Our program on every ECAM, where it steers the site's names and watches over its workers. */
export const steering: Phase = {
  name: "steering",
  title: "Steering of names",
  concurrency: 2,
  changes: async (context) => {
    const { program, site } = context;
    if (!program) return [];
    const up = await running(context);
    const lacking = await Promise.all(
      machinesOf(site, "ecam").map(async (machine) =>
        up.has(machine.name) && (await present(context, machine)) === program.source.name ? [] : [machine],
      ),
    );
    return lacking.flat().map((machine) => ({
      subject: machine.name,
      what: "bring the program that steers names and watches over workers, and start it",
      apply: () => bring(context, machine, program),
    }));
  },
};

/** The name of the source in use; empty where there is none. */
async function present({ shell }: SiteContext, { name }: MachinePlan): Promise<string> {
  const { stdout } = await shell.run(name, ["readlink", `${PROGRAM_FOLDER}/current`]);
  return stdout.trim();
}

async function bring(
  context: SiteContext,
  { name }: MachinePlan,
  { runtime, source }: Program,
): Promise<void> {
  await unpack(context, name, runtime);
  await unpack(context, name, source);
  await must(context, name, ["sh", "-c", USE, "sh", PROGRAM_FOLDER, source.name, runtime.name]);
  await must(context, name, ["systemctl", "restart", STEERING.unit, WATCHDOG.unit]);
}

async function unpack(context: SiteContext, machine: string, part: ProgramPart): Promise<void> {
  const target = `${PROGRAM_FOLDER}/${part.name}`;
  if ((await context.shell.run(machine, ["test", "-d", target])).code === 0) return;
  const archive = { file: part.archive };
  await must(context, machine, ["sh", "-c", UNPACK, "sh", PROGRAM_FOLDER, part.name], BRING_SECONDS, archive);
}

/** Fixed text: $1 the folder, $2 the name of the part, whose archive is on standard input. It is there whole or not at all. */
const UNPACK = `set -e
mkdir -p "$1"
rm -rf "$1/.$2"
mkdir "$1/.$2"
tar -x -C "$1/.$2"
mv -T "$1/.$2" "$1/$2"`;

/** Fixed text: $1 the folder, $2 the source, $3 the runtime. What is not in use any more goes. */
const USE = `set -e
ln -sfn "../$3/bin" "$1/$2/bin"
ln -sfn "../$3/node_modules" "$1/$2/node_modules"
ln -sfn "$2" "$1/.current"
mv -T "$1/.current" "$1/current"
for part in "$1"/source-* "$1"/runtime-*; do
  case "$part" in "$1/$2" | "$1/$3") ;; *) rm -rf "$part" ;; esac
done`;
