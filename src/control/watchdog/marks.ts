/** How an exclusion stands in a Node. */
import type { Node } from "kubernetes-types/core/v1.d.ts";
import type { Part, Resource } from "#ports/kube.ts";
import { EXCLUDE_LABEL, EXCLUDED_BY_ANNOTATION } from "#render/ecam/watchdog.ts";
import type { Marks } from "./decide.ts";

export const NODES: Resource<Node> = { group: "", version: "v1", plural: "nodes" };

export function marksOf({ metadata }: Node): Marks {
  return {
    excluded: metadata?.labels?.[EXCLUDE_LABEL] !== undefined,
    ours: metadata?.annotations?.[EXCLUDED_BY_ANNOTATION] !== undefined,
  };
}

/** A merge patch that excludes the node, by the ECAM `self`. */
export function exclusion(self: string): Part<Node> {
  return {
    metadata: { labels: { [EXCLUDE_LABEL]: "true" }, annotations: { [EXCLUDED_BY_ANNOTATION]: self } },
  };
}

/** A merge patch that takes the exclusion back. */
export const INCLUSION: object = {
  metadata: { labels: { [EXCLUDE_LABEL]: null }, annotations: { [EXCLUDED_BY_ANNOTATION]: null } },
};

/** A Node as it is kept: its status alone may be many kilobytes. */
export function trimmed({ metadata = {} }: Node): Node {
  const { name, labels, annotations, resourceVersion } = metadata;
  return {
    metadata: {
      ...(name !== undefined && { name }),
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
  };
}
