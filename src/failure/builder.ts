import type { Federation } from "#model/federation.ts";
import type { Component, ComponentKind, FaultGraph, GraphNode, Promised } from "./graph.ts";

/** Builds a fault graph from the bottom up; each method gives the number of a node. */
export class GraphBuilder {
  readonly #nodes: GraphNode[] = [];
  readonly #promises: Promised[] = [];
  readonly #components = new Map<string, number>();
  readonly #federation: Federation;

  constructor(federation: Federation) {
    this.#federation = federation;
  }

  /** The component with the id `<kind>:<name>`; the same node each time it is asked for. */
  component(kind: ComponentKind, name: string, site: string | undefined): number {
    const id = `${kind}:${name}`;
    const known = this.#components.get(id);
    if (known !== undefined) return known;
    const node = this.#add({ id, kind, site, reliability: this.#reliability(kind) });
    this.#components.set(id, node);
    return node;
  }

  /** Fails when any input fails; never where there is none. */
  any(says: string, inputs: readonly number[]): number {
    return this.atLeast(1, says, inputs);
  }

  /** Fails when all inputs have failed; without inputs it has. */
  all(says: string, inputs: readonly number[]): number {
    return this.atLeast(inputs.length, says, inputs);
  }

  /** Fails when `k` or more inputs have. */
  atLeast(k: number, says: string, inputs: readonly number[]): number {
    return this.#add({ says, k, inputs });
  }

  /** Promises that `node` does not fail; `says` in words. */
  promise(kind: Promised["kind"], site: string | undefined, node: number, says: string): void {
    const id = site === undefined ? kind : `${kind}:${site}`;
    this.#promises.push({ id, kind, site, node, says });
  }

  graph(): FaultGraph {
    return { nodes: this.#nodes, promises: this.#promises };
  }

  #add(node: GraphNode): number {
    return this.#nodes.push(node) - 1;
  }

  /** A common cause takes its share of a machine's failures, and is mended as one. */
  #reliability(kind: ComponentKind): Component["reliability"] {
    const { reliability, commonCause } = this.#federation;
    if (kind !== "common-cause") return reliability[kind];
    const { mtbfHours, mttrHours } = reliability.machine;
    return { mtbfHours: mtbfHours / commonCause, mttrHours };
  }
}
