/**
 * Which workers shall not announce the site's addresses. Nothing is decided
 * where nobody is seen to live: then it is the ECAM that is cut off.
 */
import { isJudged, type Sight } from "./sight.ts";

/** What a worker's Node says. */
export interface Marks {
  /** Load balancers leave the node out. */
  readonly excluded: boolean;
  /** It was us who said so: only then it is taken back. */
  readonly ours: boolean;
}

export interface WorkerView {
  readonly name: string;
  readonly sight: Sight;
  /** Undefined where the API has no such Node, or was not heard yet. */
  readonly marks: Marks | undefined;
}

export interface Verdict {
  readonly worker: string;
  readonly exclude: boolean;
}

/** A worker that came back is let in after so long without a miss, unless nobody else is left. */
export const RETURN_MS = 5000;
/**
 * Somebody must have answered for so long before others are excluded: when the
 * ECAM's own link comes back, workers are heard one after the other.
 */
const SETTLE_MS = 300;

/** What is to be changed, at `nowMs` of the sights' clock. */
export function decide(workers: readonly WorkerView[], nowMs: number): readonly Verdict[] {
  if (!workers.every(({ sight }) => isJudged(sight))) return [];
  const living = workers.filter(({ sight, marks }) => sight.life === "up" && marks);
  const carries = living.some(({ marks }) => !marks?.excluded);
  const back = living.filter(
    ({ sight, marks }) => marks?.ours && (!carries || answersFor(sight, nowMs) >= RETURN_MS),
  );
  const settled = living.some(({ sight }) => answersFor(sight, nowMs) >= SETTLE_MS);
  // Someone must be left who can announce.
  const dead = settled && (carries || back.length > 0) ? workers.filter(isMissed) : [];
  return [
    ...back.map(({ name }) => ({ worker: name, exclude: false })),
    ...dead.map(({ name }) => ({ worker: name, exclude: true })),
  ];
}

function isMissed({ sight, marks }: WorkerView): boolean {
  return sight.life === "dead" && marks !== undefined && !marks.excluded;
}

/** Milliseconds without a miss. */
function answersFor({ answersSinceMs }: Sight, nowMs: number): number {
  return answersSinceMs === undefined ? 0 : nowMs - answersSinceMs;
}
