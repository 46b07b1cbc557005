/**
 * Minimal cut sets: the smallest sets of variables whose failure breaks a
 * statement, read off its decision diagram (Rauzy 1993, "New algorithms for fault
 * trees analysis") up to an order. Families of sets are kept as zero-suppressed
 * diagrams (Minato 1993): thousands of alike sets share their nodes.
 */
import { ALWAYS, type DecisionDiagram, NEVER } from "./decision-diagram.ts";
import { NodeTable, ResultCache } from "./node-table.ts";

/** The family without any set, and the one with the empty set alone. */
const NONE = 0;
const EMPTY_SET = 1;

/** More than any order that is asked for. */
const ORDERS = 8;

export class CutSets {
  readonly #diagram: DecisionDiagram;
  readonly #families = new NodeTable();
  /** By statement and order; kept whole, because each is asked once and needed often. */
  readonly #minimal = new Map<number, number>();
  readonly #without: ResultCache;

  constructor(diagram: DecisionDiagram) {
    this.#diagram = diagram;
    this.#without = new ResultCache(diagram.table.size);
  }

  /** The minimal cut sets of at most `order` variables, as a family. */
  minimal(statement: number, order: number): number {
    // From the leaves up, not by recursion: a diagram may be deeper than the stack.
    for (const node of this.#diagram.below(statement).toReversed())
      for (let most = 1; most <= order; most++) this.#work(node, most);
    return this.#minimalOf(statement, order);
  }

  #work(node: number, order: number): void {
    const key = node * ORDERS + order;
    if (this.#minimal.has(key)) return;
    const { variable, low, high } = this.#diagram.table;
    const rest = this.#minimalOf(low[node] ?? 0, order);
    const withIt = this.#notAbove(this.#minimalOf(high[node] ?? 0, order - 1), rest);
    this.#minimal.set(key, this.#node(variable[node] ?? 0, rest, withIt));
  }

  #minimalOf(statement: number, order: number): number {
    if (statement === NEVER) return NONE;
    if (statement === ALWAYS) return EMPTY_SET;
    return order === 0 ? NONE : (this.#minimal.get(statement * ORDERS + order) ?? NONE);
  }

  /** How many sets a family has of each size, from 0 on. */
  sizes(family: number): readonly number[] {
    const { low, high } = this.#families;
    const counts: number[] = [];
    const visit = (start: number, chosen: number): void => {
      let node = start;
      for (; node > EMPTY_SET; node = low[node] ?? 0) visit(high[node] ?? 0, chosen + 1);
      if (node === EMPTY_SET) counts[chosen] = (counts[chosen] ?? 0) + 1;
    };
    visit(family, 0);
    return Array.from(counts, (count) => count ?? 0);
  }

  /** The sets of a family one by one, each in rising order of its variables. */
  *list(family: number, chosen: readonly number[] = []): Generator<readonly number[]> {
    const { variable, low, high } = this.#families;
    let node = family;
    for (; node > EMPTY_SET; node = low[node] ?? 0)
      yield* this.list(high[node] ?? 0, [...chosen, variable[node] ?? 0]);
    if (node === EMPTY_SET) yield chosen;
  }

  /** The sets of `family` that contain no set of `others`. */
  #notAbove(family: number, others: number): number {
    if (family === NONE || others === NONE) return family;
    if (others === EMPTY_SET || family === others) return NONE;
    if (family === EMPTY_SET) return this.#hasEmptySet(others) ? NONE : EMPTY_SET;
    const known = this.#without.get(family, others, 0);
    if (known !== undefined) return known;
    const { variable, low, high } = this.#families;
    const [own, other] = [variable[family] ?? 0, variable[others] ?? 0];
    const [ownLow, ownHigh] = [low[family] ?? 0, high[family] ?? 0];
    const [otherLow, otherHigh] = [low[others] ?? 0, high[others] ?? 0];
    let result: number;
    if (own < other) {
      result = this.#node(own, this.#notAbove(ownLow, others), this.#notAbove(ownHigh, others));
    } else if (own > other) {
      result = this.#notAbove(family, otherLow);
    } else {
      const withIt = this.#notAbove(this.#notAbove(ownHigh, otherHigh), otherLow);
      result = this.#node(own, this.#notAbove(ownLow, otherLow), withIt);
    }
    return this.#without.set(family, others, 0, result);
  }

  #hasEmptySet(family: number): boolean {
    let node = family;
    while (node > EMPTY_SET) node = this.#families.low[node] ?? 0;
    return node === EMPTY_SET;
  }

  #node(variable: number, low: number, high: number): number {
    return high === NONE ? low : this.#families.node(variable, low, high);
  }
}
