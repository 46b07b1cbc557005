/** How an object that does not belong at a site goes from there. */
import type { KubeObject } from "#ports/kube.ts";
import { MANAGED_LABEL, SYSTEM_NAMESPACE } from "../api/names.ts";

export type Removal =
  /** It is gone, going, or not ours. */
  | { readonly do: "nothing"; readonly gone: boolean }
  /** Only the managed label goes: the object stays and is nobody's. */
  | { readonly do: "release" }
  | { readonly do: "delete"; readonly options: DeleteOptions; readonly uid: string };

export interface DeleteOptions {
  readonly propagationPolicy?: "Foreground" | "Background" | "Orphan";
  readonly gracePeriodSeconds?: number;
}

export interface RemovalInput {
  readonly observed: KubeObject | undefined;
  readonly namespaceType: boolean;
  /** Whether the site's API is the hub: namespaces there hold the federated resources themselves. */
  readonly isHub: boolean;
  readonly orphan: boolean;
  /** DeleteOptions as JSON; what can't be read counts as none. */
  readonly deleteOptions?: string;
}

/** No federation may ever delete these. */
const PROTECTED: readonly string[] = [
  "default",
  "kube-system",
  "kube-public",
  "kube-node-lease",
  SYSTEM_NAMESPACE,
];

/** What is not labelled as the federation's is never touched. */
export function removalOf({ observed, namespaceType, isHub, orphan, deleteOptions }: RemovalInput): Removal {
  if (!observed) return { do: "nothing", gone: true };
  const { labels, name = "", uid = "", deletionTimestamp } = observed.metadata ?? {};
  if (labels?.[MANAGED_LABEL] !== "true") return { do: "nothing", gone: true };
  const kept = namespaceType && (isHub || PROTECTED.includes(name));
  if (orphan || kept) return { do: "release" };
  if (deletionTimestamp !== undefined) return { do: "nothing", gone: false };
  return { do: "delete", options: readOptions(deleteOptions), uid };
}

function readOptions(text: string | undefined): DeleteOptions {
  let read: unknown;
  try {
    read = JSON.parse(text ?? "{}");
  } catch {
    return {};
  }
  const { propagationPolicy, gracePeriodSeconds } = (read ?? {}) as DeleteOptions;
  const known =
    propagationPolicy !== undefined && ["Foreground", "Background", "Orphan"].includes(propagationPolicy);
  const whole = Number.isInteger(gracePeriodSeconds) && (gracePeriodSeconds ?? -1) >= 0;
  return {
    ...(known && { propagationPolicy }),
    ...(whole && gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
  };
}

/** What becomes of a site's objects when it leaves the federation for good. */
export function farewell(choice: "drain" | "orphan", input: Omit<RemovalInput, "orphan">): Removal {
  return removalOf({ ...input, orphan: choice === "orphan" });
}
