/** What the failure proof says: plain data, as `prove -o json` prints it. */
import type { ComponentKind, PromiseKind } from "./graph.ts";

export interface Proof {
  readonly federation: string;
  /** Components that were taken as failed. */
  readonly without: readonly string[];
  /** The largest cut sets that were looked for. */
  readonly order: number;
  readonly components: readonly ComponentProof[];
  readonly promises: readonly PromiseProof[];
  readonly findings: readonly Finding[];
  readonly goals: readonly GoalProof[];
}

export interface ComponentProof {
  readonly id: string;
  readonly kind: ComponentKind;
  readonly site: string | undefined;
  /** Share of the time that it is failed. */
  readonly unavailability: number;
  /** Ids of the promises that its loss alone breaks. */
  readonly breaks: readonly string[];
}

export interface PromiseProof {
  readonly id: string;
  readonly kind: PromiseKind;
  readonly site: string | undefined;
  readonly says: string;
  /** Whether it holds with nothing else failed. */
  readonly holds: boolean;
  /** Share of the time that it holds, 0 to 1. */
  readonly availability: number;
  readonly outagesPerYear: number;
  /** How many minimal cut sets of 1, 2 and 3 components it has, up to `order`. */
  readonly cutCounts: readonly number[];
  /** The cut sets that matter most: all single components, then by their share. */
  readonly cuts: readonly CutProof[];
}

export interface CutProof {
  readonly components: readonly string[];
  readonly probability: number;
  /** Its share of the time that the promise is broken; shares overlap where cuts do. */
  readonly share: number;
}

/** `critical`: the whole federation is hit; `warning`: a site is; `note`: to know. */
export type Severity = "critical" | "warning" | "note";

export interface Finding {
  /** Stable, such as `PROVE_ETCD_NEEDS_THIRD`; listed in docs/proof.md. */
  readonly code: string;
  readonly severity: Severity;
  /** A component's id, a site or the federation. */
  readonly subject: string;
  /** One sentence. */
  readonly message: string;
  /** Ids of the promises that depend on it. */
  readonly breaks: readonly string[];
  /** From the fault to the broken promise, step by step. */
  readonly why: readonly string[];
  readonly remedy: Remedy;
  /** Components whose loss does nothing that this one's does not. */
  readonly hides: readonly string[];
}

export interface Remedy {
  /** What would remove the finding; or what makes it bearable, where nothing does. */
  readonly text: string;
  /** In servers, machines or lines: "1 small server". */
  readonly price: string;
  /** For `prove --what-if`; empty where it can't be tried there. */
  readonly whatIf: readonly string[];
}

export interface GoalProof {
  /** As in the file: "survive any server at attic". */
  readonly goal: string;
  readonly holds: boolean;
  /** What breaks it: each component with the promises it breaks. */
  readonly broken: readonly {
    readonly cut: readonly string[];
    readonly breaks: readonly string[];
    readonly why: readonly string[];
  }[];
  /** For an availability: what it is and what it should be; 0 to 1. */
  readonly availability?: { readonly is: number; readonly wanted: number };
}
