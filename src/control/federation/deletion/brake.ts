/** The brake on mass deletion. */
import type { Problem } from "#base/errors.ts";
import type { DeleteBudget } from "../api/delete-brake.ts";
import { compareVersions, readVersion, type Version, versionText } from "../version.ts";

const DEFAULT_BUDGET: DeleteBudget = { count: 50, percent: 20 };

export interface PendingDeletion extends Version {
  /** What is to go, for people and for doing it. */
  readonly key: string;
}

export interface Braked {
  readonly allowed: readonly PendingDeletion[];
  readonly held: readonly PendingDeletion[];
  /** Lets go everything that is held now, and nothing that comes later. */
  readonly token?: string;
  readonly finding?: Problem;
}

/**
 * Lets a sync's deletions through, or holds them all when they are more than
 * the budget: half of a mistake is a mistake too. What a release covers is let
 * through and not counted.
 * @param total objects that the federation keeps at the site
 */
export function brake(
  site: string,
  pending: readonly PendingDeletion[],
  total: number,
  budget: DeleteBudget = DEFAULT_BUDGET,
  release?: string,
): Braked {
  const upTo = release === undefined ? undefined : readVersion(release);
  const isReleased = (one: PendingDeletion) => upTo !== undefined && compareVersions(one, upTo) <= 0;
  const counted = pending.filter((one) => !isReleased(one));
  const most = Math.max(budget.count, Math.floor((total * budget.percent) / 100));
  const [newest] = counted.toSorted((left, right) => compareVersions(right, left));
  if (counted.length <= most || !newest) return { allowed: pending, held: [] };
  const token = versionText(newest);
  const finding: Problem = {
    code: "FEDERATION_DELETE_BRAKE",
    message: `${counted.length} of ${total} objects at ${site} are to be deleted at once, the budget is ${most}: nothing of it is deleted`,
    hint: `Look at them: panopticon status --site ${site}. If they shall go: panopticon site release ${site} ${token}`,
    subject: site,
  };
  return { allowed: pending.filter(isReleased), held: counted, token, finding };
}
