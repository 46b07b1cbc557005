/** A fault graph solved: its decision diagram, and what each promise's failure consists of. */
import { CutSets } from "./cut-sets.ts";
import { DecisionDiagram } from "./decision-diagram.ts";
import { type Component, type FaultGraph, isGate, type Promised } from "./graph.ts";

/** The largest cut sets that are looked for. */
export const MOST_ORDER = 3;

export interface Cut {
  /** The components that fail together, in the graph's order. */
  readonly components: readonly Component[];
  /** How probable it is that all of them are failed at one moment. */
  readonly probability: number;
}

export interface Solution {
  /** How probable it is that the promise is broken at one moment, 0 to 1: exact, shared causes included. */
  unavailability(promised: Promised): number;
  /** How often it breaks, times per year. */
  outagesPerYear(promised: Promised): number;
  /** How many minimal cut sets of each size it has, from size 0 to `order`. */
  counts(promised: Promised, order: number): readonly number[];
  /** Its minimal cut sets of at most `order` components, smallest first, then the most probable. */
  cuts(promised: Promised, order: number): readonly Cut[];
}

const HOURS_PER_YEAR = 8760;

/** Share of the time that a component is failed: MTTR / (MTBF + MTTR). */
export function unavailabilityOf({ reliability }: Component): number {
  return reliability.mttrHours / (reliability.mtbfHours + reliability.mttrHours);
}

/** Works the graph's decision diagram out; what is asked of it afterwards is quick. */
export function solve(graph: FaultGraph): Solution {
  const components: Component[] = [];
  const variables: number[] = graph.nodes.map((node) => (isGate(node) ? -1 : components.push(node) - 1));
  const unavailability = components.map(unavailabilityOf);
  const diagram = new DecisionDiagram(unavailability);
  const statements: number[] = [];
  for (const [index, node] of graph.nodes.entries()) {
    if (isGate(node)) {
      const inputs = node.inputs.map((input) => statements[input] ?? 0);
      statements.push(diagram.atLeast(node.k, inputs));
    } else statements.push(diagram.variable(variables[index] ?? 0));
  }
  const cutSets = new CutSets(diagram);
  const statementOf = ({ node }: Promised): number => statements[node] ?? 0;
  const toCut = (variablesOfCut: readonly number[]): Cut => ({
    components: variablesOfCut.map((variable) => at(components, variable)),
    probability: variablesOfCut.reduce((product, variable) => product * at(unavailability, variable), 1),
  });
  return {
    unavailability: (promised) => diagram.probability(statementOf(promised)),
    outagesPerYear: (promised) => {
      let perHour = 0;
      for (const [variable, importance] of diagram.importance(statementOf(promised))) {
        const { mtbfHours, mttrHours } = at(components, variable).reliability;
        perHour += importance / (mtbfHours + mttrHours);
      }
      return perHour * HOURS_PER_YEAR;
    },
    counts: (promised, order) => {
      const sizes = cutSets.sizes(cutSets.minimal(statementOf(promised), order));
      return Array.from({ length: order + 1 }, (_, size) => sizes[size] ?? 0);
    },
    cuts: (promised, order) =>
      [...cutSets.list(cutSets.minimal(statementOf(promised), order))]
        .map(toCut)
        .sort((one, other) =>
          one.components.length === other.components.length
            ? other.probability - one.probability
            : one.components.length - other.components.length,
        ),
  };
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError(`there is no entry ${index}`);
  return value;
}
