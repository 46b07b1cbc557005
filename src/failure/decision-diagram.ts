/**
 * Binary decision diagrams (Bryant 1986) of statements of failure. Variables are
 * numbered in the order in which they are asked; for a plan that is site by site
 * and server by server, which keeps the diagrams near the size of the plan. The
 * probability of each node is worked out when the node is made, by Shannon's
 * decomposition: exact, shared causes included.
 */
import { NodeTable, ResultCache } from "./node-table.ts";

/** The statements that never and always hold. */
export const NEVER = 0;
export const ALWAYS = 1;

/** Results that are remembered for each variable: the nodes of a site's diagrams are a few dozen per component. */
const RESULTS_PER_VARIABLE = 64;

/** A choice being worked out; -1 where something is not known yet. */
interface Call {
  readonly statement: number;
  readonly failed: number;
  readonly whole: number;
  /** The variable that is decided. */
  top: number;
  /** The result with that variable not failed. */
  low: number;
}

export class DecisionDiagram {
  readonly table = new NodeTable();
  readonly #choices: ResultCache;
  readonly #unavailability: readonly number[];
  #probability = new Float64Array(1 << 8);

  /** `unavailability` of each variable, 0 to 1. */
  constructor(unavailability: readonly number[]) {
    this.#unavailability = unavailability;
    this.#choices = new ResultCache(unavailability.length * RESULTS_PER_VARIABLE);
    this.#probability[ALWAYS] = 1;
  }

  /** The statement that this variable has failed. */
  variable(index: number): number {
    return this.#node(index, NEVER, ALWAYS);
  }

  /** At least `k` of the statements hold. */
  atLeast(k: number, statements: readonly number[]): number {
    if (k <= 0) return ALWAYS;
    if (k > statements.length) return NEVER;
    // rows[j]: at least j of the statements seen so far, from the last to the first.
    const rows: number[] = Array.from({ length: k + 1 }, (_, j) => (j === 0 ? ALWAYS : NEVER));
    for (const [index, statement] of statements.entries().toArray().toReversed()) {
      // Those that are still to come can add no more than their number to a row.
      for (let j = k; j >= Math.max(1, k - index); j--)
        rows[j] = this.#choose(statement, rows[j - 1] ?? NEVER, rows[j] ?? NEVER);
    }
    return rows[k] ?? NEVER;
  }

  /** How probable a statement is. */
  probability(statement: number): number {
    return this.#probability[statement] ?? 0;
  }

  /**
   * By variable, how much more probable a statement is with the variable failed
   * than without (Birnbaum's importance).
   */
  importance(statement: number): ReadonlyMap<number, number> {
    const { variable, low, high } = this.table;
    const reach = new Map<number, number>([[statement, 1]]);
    const sums = new Map<number, number>();
    for (const node of this.below(statement)) {
      const index = variable[node] ?? 0;
      const [lower, higher] = [low[node] ?? 0, high[node] ?? 0];
      const way = reach.get(node) ?? 0;
      const fails = this.#unavailability[index] ?? 0;
      reach.set(lower, (reach.get(lower) ?? 0) + way * (1 - fails));
      reach.set(higher, (reach.get(higher) ?? 0) + way * fails);
      const gain = this.probability(higher) - this.probability(lower);
      sums.set(index, (sums.get(index) ?? 0) + way * gain);
    }
    return sums;
  }

  /** The inner nodes below a statement and its own, each before its children. */
  below(statement: number): readonly number[] {
    const seen = new Set<number>();
    const open = [statement];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node <= ALWAYS || seen.has(node)) continue;
      seen.add(node);
      open.push(this.table.low[node] ?? 0, this.table.high[node] ?? 0);
    }
    return [...seen].sort((left, right) => right - left);
  }

  /**
   * `statement` chooses between two others. A diagram may be as deep as the
   * federation has components, so the open calls are kept on a stack of our own.
   */
  #choose(statement: number, failed: number, whole: number): number {
    const calls: Call[] = [{ statement, failed, whole, top: -1, low: -1 }];
    let result = NEVER;
    for (let call = calls.at(-1); call; call = calls.at(-1)) {
      const { top } = call;
      if (top >= 0 && call.low >= 0) {
        const node = this.#node(top, call.low, result);
        result = this.#choices.set(call.statement, call.failed, call.whole, node);
        calls.pop();
      } else if (top >= 0) {
        call.low = result;
        calls.push(this.#branch(call, top, this.table.high));
      } else {
        const known = this.#known(call);
        if (known === undefined) {
          const { variable } = this.table;
          call.top = Math.min(
            variable[call.statement] ?? 0,
            variable[call.failed] ?? 0,
            variable[call.whole] ?? 0,
          );
          calls.push(this.#branch(call, call.top, this.table.low));
        } else {
          result = known;
          calls.pop();
        }
      }
    }
    return result;
  }

  #known({ statement, failed, whole }: Call): number | undefined {
    if (statement === ALWAYS || failed === whole) return failed;
    if (statement === NEVER) return whole;
    if (failed === ALWAYS && whole === NEVER) return statement;
    return this.#choices.get(statement, failed, whole);
  }

  /** The call with the variable `top` decided one way: `children` are the lower or the higher ones. */
  #branch(call: Call, top: number, children: Int32Array): Call {
    const { variable } = this.table;
    const child = (node: number): number => (variable[node] === top ? (children[node] ?? 0) : node);
    return {
      statement: child(call.statement),
      failed: child(call.failed),
      whole: child(call.whole),
      top: -1,
      low: -1,
    };
  }

  #node(variable: number, low: number, high: number): number {
    if (low === high) return low;
    const node = this.table.node(variable, low, high);
    if (node >= this.#probability.length) {
      const wider = new Float64Array(this.table.variable.length);
      wider.set(this.#probability);
      this.#probability = wider;
    }
    const fails = this.#unavailability[variable] ?? 0;
    this.#probability[node] = fails * this.probability(high) + (1 - fails) * this.probability(low);
    return node;
  }
}
