/** The federation as convergence sees it. */
import type { Step } from "./step.ts";

/** An image that nodes can't fetch from anywhere; it is named by its content. */
export interface LocalImage {
  readonly name: string;
  /** Path of its OCI archive here. */
  readonly archive: string;
}

/** The agent's image; its archive lacks the layers of its runtime. */
export interface AgentImage extends LocalImage {
  readonly runtime: LocalImage;
}

/** What the federation wants of one site. */
export interface SiteFederation {
  /** Undefined in a dry run where it was not made yet. */
  readonly image: AgentImage | undefined;
  /** What makes the site a member, in order. */
  readonly installs: readonly Step[];
  /** What shows that it is one, in order. */
  readonly joins: readonly Step[];
}
