/**
 * Steps that others know how to take. What they are is put together by the room
 * that knows both sides (app), because convergence knows neither controllers nor
 * what a manifest says.
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
