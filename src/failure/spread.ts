import { type FaultGraph, failedNodes, isGate } from "./graph.ts";

/**
 * How a fault spreads upwards: only what it reaches is looked at, so that asking
 * for each of thousands of components stays cheap in a large federation.
 */
export class FaultSpread {
  readonly graph: FaultGraph;
  /** By node, the gates it feeds. */
  readonly parents: readonly (readonly number[])[];
  readonly #numbers = new Map<string, number>();
  /** Nodes that have failed with no fault at all, and how many failed inputs each gate has then. */
  readonly #before: Uint8Array;
  readonly #failedInputs: Uint32Array;

  constructor(graph: FaultGraph) {
    this.graph = graph;
    this.#before = failedNodes(graph, new Set());
    this.#failedInputs = new Uint32Array(graph.nodes.length);
    const parents: number[][] = graph.nodes.map(() => []);
    for (const [index, node] of graph.nodes.entries()) {
      if (!isGate(node)) this.#numbers.set(node.id, index);
      else
        for (const input of node.inputs) {
          parents[input]?.push(index);
          this.#failedInputs[index] = (this.#failedInputs[index] ?? 0) + (this.#before[input] ?? 0);
        }
    }
    this.parents = parents;
  }

  /** The node of a component. */
  numberOf(id: string): number {
    return this.#numbers.get(id) ?? -1;
  }

  /** Says of each node whether it has failed once these components have. */
  failedBy(ids: readonly string[]): (node: number) => boolean {
    const reached = new Set<number>();
    const counts = new Map<number, number>();
    const open = ids.map((id) => this.numberOf(id)).filter((index) => index >= 0);
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (reached.has(index) || this.#before[index] === 1) continue;
      reached.add(index);
      for (const parent of this.parents[index] ?? []) {
        const count = (counts.get(parent) ?? this.#failedInputs[parent] ?? 0) + 1;
        counts.set(parent, count);
        const gate = this.graph.nodes[parent];
        if (gate && isGate(gate) && count >= gate.k) open.push(parent);
      }
    }
    return (node) => reached.has(node) || this.#before[node] === 1;
  }
}
