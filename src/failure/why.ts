/** Why a fault breaks a promise: the failed statements on the way, in words. */
import { isGate, type Promised } from "./graph.ts";
import type { FaultSpread } from "./spread.ts";

/**
 * From the components that failed to the broken promise, one step per statement,
 * alike ones joined: "server flat/left is lost", "flat-cp-1 and flat-cp-2 are
 * down", "2 of 3 etcd votes of flat are gone, so the rest is no majority".
 */
export function whyBroken(
  spread: FaultSpread,
  promised: Promised,
  failed: readonly string[],
): readonly string[] {
  const { graph } = spread;
  const hasFailed = spread.failedBy(failed);
  const reached = new Set<number>();
  const open = [promised.node];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    const node = graph.nodes[index];
    if (node === undefined || reached.has(index) || !hasFailed(index)) continue;
    reached.add(index);
    // One reason is enough where any is; of several that must come together, all are told.
    if (isGate(node)) open.push(...node.inputs.filter(hasFailed).slice(0, node.k === 1 ? 1 : undefined));
  }
  const steps = [...reached]
    .sort((one, other) => one - other)
    .flatMap((index) => {
      const node = graph.nodes[index];
      return node && isGate(node) ? [node.says] : [];
    });
  return joinAlike(steps);
}

/** "a is down", "b is down" → "a and b are down", where one follows the other. */
function joinAlike(steps: readonly string[]): readonly string[] {
  const groups: { readonly predicate: string; readonly names: string[] }[] = [];
  for (const step of steps) {
    const [, name = step, predicate = ""] =
      /^(?!every )(.+?) is (down|gone|lost|out of reach)$/.exec(step) ?? [];
    const last = groups.at(-1);
    if (last && predicate !== "" && last.predicate === predicate) last.names.push(name);
    else groups.push({ predicate, names: [name] });
  }
  return groups.map(({ predicate, names }) => {
    if (predicate === "") return list(names);
    return `${list(names)} ${names.length === 1 ? "is" : "are"} ${predicate}`;
  });
}

/** "a", "a and b", "a, b and c". */
export function list(names: readonly string[]): string {
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
}
