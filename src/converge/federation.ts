/**
 * The federation as convergence sees it: steps that others know how to take. What
 * the steps are is put together by the room that knows both (app), because
 * convergence knows no controllers.
 */
import type { Kube } from "#ports/kube.ts";

/** One thing that a site's API shall have or say. */
export interface Step {
  /** In words, as an order: "raise the fence". */
  readonly what: string;
  /** Looks, and changes nothing. */
  readonly isDone: (kube: Kube) => Promise<boolean>;
  /** Makes it so and returns when it is; may be killed anywhere and called again. */
  readonly take: (kube: Kube) => Promise<void>;
}

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
