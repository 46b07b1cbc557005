/** What a machine from a bare image lacks to become a node; the lab's machines have it from their first day. */

/** An archive here, called by its content. */
export interface SoftwarePart {
  readonly name: string;
  /** Path here; missing where a dry run did not make it. */
  readonly archive?: string;
}

export interface NodeSoftware {
  /** Kubernetes' programs and their kin: a tar with paths from the root. */
  readonly programs: SoftwarePart;
  /** Every image that a node may have to run: an OCI archive. */
  readonly images: SoftwarePart;
}
