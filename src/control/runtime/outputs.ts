/** Two controllers that write the same thing undo each other's work for ever: refused before anything starts. */
import { PanopticonError, type Problem } from "#base/errors.ts";
import type { Controller, Output } from "./controller.ts";

type Declared = Pick<Controller, "name" | "outputs">;

/** CONTROL_TWO_OWNERS for each pair that claims the same output, CONTROL_NAME_TAKEN for a name that is there twice. */
export function refuseTwoOwners(controllers: readonly Declared[]): void {
  const problems = controllers.flatMap((one, index) =>
    controllers.slice(index + 1).flatMap((other) => [...sameName(one, other), ...sameOutput(one, other)]),
  );
  if (problems.length > 0) throw new PanopticonError(problems, 2);
}

function sameName(one: Declared, other: Declared): readonly Problem[] {
  if (one.name !== other.name) return [];
  const message = `Two controllers are called ${one.name}.`;
  return [{ code: "CONTROL_NAME_TAKEN", message, hint: "Give one of them another name.", subject: one.name }];
}

function sameOutput(one: Declared, other: Declared): readonly Problem[] {
  return one.outputs.flatMap((left) =>
    other.outputs
      .filter((right) => overlap(left, right))
      .map(
        (right): Problem => ({
          code: "CONTROL_TWO_OWNERS",
          message: `${one.name} owns ${inWords(left)}, and ${other.name} owns ${inWords(right)}: each would undo the other's work.`,
          hint: "Let one of them write it and the other read it, or name the part that each one owns.",
          subject: one.name,
        }),
      ),
  );
}

function overlap(left: Output, right: Output): boolean {
  return (
    left.cluster === right.cluster &&
    meets(left.group, right.group) &&
    meets(left.plural, right.plural) &&
    (left.part === undefined || right.part === undefined || left.part === right.part)
  );
}

function meets(left: string, right: string): boolean {
  return left === right || left === "*" || right === "*";
}

function inWords({ cluster, group, plural, part }: Output): string {
  const resource = group === "" ? plural : `${plural}.${group}`;
  return `${part === undefined ? "" : `${part} of `}${resource} at ${cluster}`;
}
