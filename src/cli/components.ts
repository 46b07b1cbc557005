/** `panopticon components`: the outside programs and images, where each comes from, and bringing them. */
import type { ListedComponent } from "#components/list.ts";
import type { ComponentName } from "#components/catalogue.ts";
import { wrongUse } from "#base/errors.ts";
import { formatMiB, formatSeconds } from "#base/units.ts";
import { nearest } from "#model/nearest.ts";
import { type AddCommand, command, group, type OutputOption } from "./command.ts";
import { colour, count, show, table } from "./print.ts";

/** Adds `components` with `list` and `get`. */
export const addComponents: AddCommand = (program) => {
  program.addCommand(
    group("components", "the outside programs and images the platform runs", [
      command("list", "say version, source and state of every component", ["components list"]).action(list),
      command("get", "bring components into the cache: download them, or build them where that can't be", [
        "components get",
        "components get kubernetes etcd",
      ])
        .argument("[names...]", "which; all that the platform runs where none is named")
        .action(get),
    ]),
  );
};

async function list({ output }: OutputOption): Promise<void> {
  const { listComponents } = await import("#components/list.ts");
  show(output, await listComponents(), (components) =>
    table(["component", "version", "state", "size", "source", "for"], components.map(listRow)),
  );
}

function listRow(component: ListedComponent): readonly string[] {
  const { name, version, state, sizeMiB, source, expectedSeconds, reason } = component;
  const ready = state === "ready";
  return [
    name,
    version,
    ready ? colour("green", state) : colour("yellow", state),
    sizeMiB === undefined ? "-" : formatMiB(sizeMiB),
    ready ? source : `${source}; about ${formatSeconds(expectedSeconds)} where it must be built`,
    reason,
  ];
}

async function get(names: readonly string[], { output }: OutputOption): Promise<void> {
  const [{ getComponents }, { CATALOGUE, PLATFORM }, { showProgress }, { interruptSignal }] =
    await Promise.all([
      import("#components/get.ts"),
      import("#components/catalogue.ts"),
      import("./progress.ts"),
      import("./streams.ts"),
    ]);
  const known = CATALOGUE.map(({ name }) => name);
  const wanted =
    names.length === 0 ? PLATFORM.map(({ name }) => name) : names.map((name) => knownName(name, known));
  const progress = showProgress();
  try {
    const paths = await getComponents(wanted, { emit: progress.emit, signal: interruptSignal() });
    progress.stop();
    show(output, paths, () => [`${count(wanted.length, "component")} ready`]);
  } finally {
    progress.stop();
  }
}

function knownName(name: string, known: readonly ComponentName[]): ComponentName {
  const found = known.find((candidate) => candidate === name);
  if (found) return found;
  const near = nearest(name, known);
  throw wrongUse(
    "CLI_COMPONENT_UNKNOWN",
    `there is no component ${name}`,
    near ? `did you mean ${near}?` : `there are ${known.join(", ")}`,
  );
}
