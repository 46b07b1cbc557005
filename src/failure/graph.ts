/**
 * The fault graph: what can fail, and what fails with it. Every node is a
 * statement of failure ("attic-cp-1 is down"); a component fails by itself, a
 * gate fails when at least `k` of its inputs have failed, so OR is 1 of n and
 * AND is n of n. Nodes are numbered so that inputs come before what needs them:
 * one pass over the array evaluates the whole graph.
 */
import { wrongUse } from "#base/errors.ts";
import { nearest } from "#model/nearest.ts";
import type { ComponentKind as FileKind, Reliability } from "#model/federation.ts";

/** What fails by itself. `common-cause` is one fault in all machines of a role at a site. */
export type ComponentKind = FileKind | "common-cause";

export interface Component {
  /** Such as `server:attic/left` or `etcd:attic-cp-1`; what `--without` and `drill --only` name. */
  readonly id: string;
  readonly kind: ComponentKind;
  /** Name of its site; undefined for what stands at none. */
  readonly site: string | undefined;
  readonly reliability: Reliability;
}

export interface Gate {
  /** What its failure means, in words: "etcd of attic has no majority". */
  readonly says: string;
  /** It fails when at least this many inputs have. */
  readonly k: number;
  /** Numbers of nodes before this one. */
  readonly inputs: readonly number[];
}

export type GraphNode = Component | Gate;

/** What the federation promises; per site or for the whole. */
export type PromiseKind =
  | "api" // the API of a site answers at its VIP
  | "etcd" // etcd of a site accepts writes
  | "outside" // services of a site are reachable from outside
  | "data" // the data of a site survives
  | "somewhere" // the service is reachable somewhere
  | "changes" // changes to the federation are possible, the crown being where it is
  | "crown" // some site can hold the crown
  | "backup"; // a backup can be restored

export interface Promised {
  /** Such as `api:attic`, or `somewhere`. */
  readonly id: string;
  readonly kind: PromiseKind;
  /** Of which site; undefined where it is the federation's. */
  readonly site: string | undefined;
  /** Number of the node whose failure breaks it. */
  readonly node: number;
  /** The promise in words: "the API of attic answers". */
  readonly says: string;
}

export interface FaultGraph {
  readonly nodes: readonly GraphNode[];
  readonly promises: readonly Promised[];
}

export function isGate(node: GraphNode): node is Gate {
  return "inputs" in node;
}

/** The components of a graph, in its order. */
export function componentsOf(graph: FaultGraph): readonly Component[] {
  return graph.nodes.filter((node): node is Component => !isGate(node));
}

/** The graph in which these components have already failed, and are no longer asked. */
export function withFailed(graph: FaultGraph, failed: readonly string[]): FaultGraph {
  for (const id of failed) componentOf(graph, id);
  const gone = new Set(failed);
  const nodes = graph.nodes.map((node) =>
    !isGate(node) && gone.has(node.id) ? { says: `${node.id} has failed`, k: 0, inputs: [] } : node,
  );
  return { ...graph, nodes };
}

/** Which nodes have failed once these components have: one byte per node. */
export function failedNodes(graph: FaultGraph, failed: ReadonlySet<string>): Uint8Array {
  const state = new Uint8Array(graph.nodes.length);
  for (const [index, node] of graph.nodes.entries()) {
    if (isGate(node)) {
      let count = 0;
      for (const input of node.inputs) count += state[input] ?? 0;
      state[index] = count >= node.k ? 1 : 0;
    } else state[index] = failed.has(node.id) ? 1 : 0;
  }
  return state;
}

/** The promises that do not hold once these components have failed; PROOF_UNKNOWN_COMPONENT for an id the graph has not. */
export function brokenBy(graph: FaultGraph, failed: readonly string[]): readonly Promised[] {
  for (const id of failed) componentOf(graph, id);
  const state = failedNodes(graph, new Set(failed));
  return graph.promises.filter(({ node }) => state[node] === 1);
}

/** The component with this id; PROOF_UNKNOWN_COMPONENT (exit 2) where there is none. */
function componentOf(graph: FaultGraph, id: string): Component {
  const found = componentsOf(graph).find((component) => component.id === id);
  if (found) return found;
  const near = nearest(
    id,
    componentsOf(graph).map((component) => component.id),
  );
  const hint = near ? `did you mean ${near}?` : "`panopticon prove FILE -o json` lists them under components";
  throw wrongUse("PROOF_UNKNOWN_COMPONENT", `the plan has no component "${id}"`, hint);
}
