/**
 * The oracle: everything by trying. It knows nothing of decision diagrams; it
 * fails components and evaluates the graph forward.
 */
import {
  type Component,
  componentsOf,
  failedNodes,
  type FaultGraph,
  isGate,
  type Promised,
} from "../graph.ts";

/** All minimal cut sets of at most `order` components, as sorted ids joined by "+". */
export function cutsByTrying(graph: FaultGraph, promised: Promised, order: number): readonly string[] {
  const ids = componentsOf(graph).map(({ id }) => id);
  const breaks = (failed: readonly string[]): boolean =>
    failedNodes(graph, new Set(failed))[promised.node] === 1;
  const found: (readonly string[])[] = [];
  for (let size = 0; size <= order; size++) {
    for (const chosen of choices(ids, size)) {
      const above = found.some((smaller) => smaller.every((id) => chosen.includes(id)));
      if (!above && breaks(chosen)) found.push(chosen);
    }
  }
  return found.map(nameOf).toSorted();
}

/** How probable it is that the promise is broken, by summing every combination of failed components. */
export function unavailabilityByTrying(
  graph: FaultGraph,
  promised: Promised,
  q: (component: Component) => number,
): number {
  const components = componentsOf(graph);
  let sum = 0;
  for (let mask = 0; mask < 2 ** components.length; mask++) {
    const failed = components.filter((_, index) => (mask >> index) & 1);
    if (failedNodes(graph, new Set(failed.map(({ id }) => id)))[promised.node] !== 1) continue;
    sum += components.reduce(
      (product, one, index) => product * ((mask >> index) & 1 ? q(one) : 1 - q(one)),
      1,
    );
  }
  return sum;
}

export function nameOf(ids: readonly string[]): string {
  return ids.toSorted().join("+");
}

/** Every choice of `size` of the entries. */
export function* choices<T>(list: readonly T[], size: number, from = 0): Generator<readonly T[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let index = from; index <= list.length - size; index++)
    for (const rest of choices(list, size - 1, index + 1)) yield [list[index] as T, ...rest];
}

/** A graph of so many components and gates on them; the last gate is promised to hold. */
export function graphOf(
  components: readonly { readonly id: string; readonly q?: number }[],
  gates: readonly { readonly k: number; readonly inputs: readonly number[] }[],
): FaultGraph {
  const nodes = [
    ...components.map(
      ({ id, q = 0.01 }): Component => ({
        id,
        kind: "machine",
        site: undefined,
        reliability: { mtbfHours: 1 - q, mttrHours: q },
      }),
    ),
    ...gates.map(({ k, inputs }, index) => ({ says: `gate ${index}`, k, inputs })),
  ];
  const promised: Promised = {
    id: "somewhere",
    kind: "somewhere",
    site: undefined,
    node: nodes.length - 1,
    says: "it works",
  };
  return { nodes, promises: [promised] };
}

/** The graph's evaluation on bit masks, for plans too large to try with sets of ids. */
export function fastBreaks(graph: FaultGraph, promised: Promised): (failed: readonly number[]) => boolean {
  const state = new Uint8Array(graph.nodes.length);
  return (failed) => {
    state.fill(0);
    for (const index of failed) state[index] = 1;
    for (let index = 0; index <= promised.node; index++) {
      const node = graph.nodes[index];
      if (node === undefined || !isGate(node)) continue;
      let count = 0;
      for (const input of node.inputs) count += state[input] ?? 0;
      state[index] = count >= node.k ? 1 : 0;
    }
    return state[promised.node] === 1;
  };
}
