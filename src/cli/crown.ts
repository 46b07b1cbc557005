/** `panopticon crown`: which site is the hub, and its change. */
import type { Emit } from "#base/events.ts";
import { type AddCommand, command, group, type OutputOption } from "./command.ts";
import { crownWitnessCommand, readWitness, witnessLines } from "./crown-witness.ts";
import { type HubOption, useHub, withHub } from "./hub.ts";
import { say, show } from "./print.ts";

/** Adds `crown` with `show`, `move` and `witness`. */
export const addCrown: AddCommand = (program) => {
  const commands = [showCommand(), moveCommand(), crownWitnessCommand()];
  program.addCommand(group("crown", "which site is the hub", commands));
};

type Options = OutputOption & HubOption;

function showCommand() {
  return withHub(
    command("show", "say who holds the crown, by the word of one site", [
      "crown show",
      "crown show --context cellar -o json",
    ]),
  ).action(async ({ output, ...hub }: Options) => {
    const [{ crownOf }, { seeWitness }] = await Promise.all([
      import("#app/federation.ts"),
      import("#app/witness/voting.ts"),
    ]);
    const { spec, status, sight } = await useHub(hub, async ({ kube, site }) => {
      const crown = await crownOf(kube);
      return { ...crown, sight: await seeWitness(crown.spec, [kube], site) };
    });
    const witness = spec.witness && { ...spec.witness, ...sight };
    show(output, { ...spec, ...(witness && { witness }), status }, () => [
      `The crown is at ${spec.holder} (epoch ${spec.epoch}).`,
      ...(spec.frozen ? [`It is being moved to ${spec.frozen.to}: writes pause.`] : []),
      ...(spec.witness && sight ? witnessLines(spec.witness, sight) : []),
      ...spec.history.map(({ epoch, holder, at, how }) => `  ${epoch}  ${holder}  ${how} at ${at}`),
    ]);
  });
}

interface MoveOptions extends Options {
  readonly to: string;
  readonly take?: boolean;
  readonly force?: boolean;
  readonly witnessFile?: string;
}

function moveCommand() {
  return withHub(
    command("move", "make another site the hub", [
      "crown move --to cellar",
      "crown move --to cellar --take",
      "crown move --to cellar --take --force",
    ])
      .requiredOption("--to <site>", "who gets it")
      .option("--take", "its holder is lost: ask the other sites for their votes")
      .option("--force", "take it without a majority; what the old holder wrote meanwhile becomes conflicts")
      .option(
        "--witness-file <file>",
        "of `witness create`: asks the outside witness by it, where no site in reach has its secret",
      ),
  ).action(async ({ output, to, take, force, witnessFile, ...hub }: MoveOptions) => {
    const [{ moveCrown }, { takeCrown }] = await Promise.all([
      import("#app/crown.ts"),
      import("#app/crown-take.ts"),
    ]);
    const emit: Emit = (event) => {
      if (event.kind === "note") say(`${event.subject}: ${event.what}`);
    };
    if (take || force) {
      const file = witnessFile === undefined ? undefined : await readWitness(witnessFile);
      const options = { force: force ?? false, ...(file && { witnessFile: file }) };
      const taken = await useHub(hub, ({ site }) => takeCrown(site, to, options, emit));
      show(output, taken, () => [`The crown is at ${to} (epoch ${taken.epoch}), ${taken.how}.`]);
      return;
    }
    const moved = await useHub(hub, ({ kube, site }) => moveCrown(kube, site, to, emit));
    show(output, moved, () => [
      `The crown is at ${to} (epoch ${moved.epoch}). Writes paused for ${moved.pausedSeconds.toFixed(1)} s.`,
    ]);
  });
}
