/** A planned move of the crown: each step follows from what is observed, so a move that was cut short goes on where it was. */
import { PanopticonError } from "#base/errors.ts";
import type { CrownSpec, Inheritance } from "../api/crown.ts";
import { compareRevisions } from "../version.ts";
import { crowned, eligible, nextEpoch } from "./epoch.ts";

export interface MoveView {
  readonly to: string;
  /** Undefined where it can't be reached. `revisions` by `plural.group`, as the hub's API gives them now. */
  readonly holder:
    | { readonly crown: CrownSpec; readonly revisions: Readonly<Record<string, string>> }
    | undefined;
  readonly target: { readonly crown: CrownSpec; readonly has: Inheritance } | undefined;
  /** Epochs that the other reachable sites know of. */
  readonly others: Readonly<Record<string, number>>;
  /** RFC 3339. */
  readonly now: string;
  /** Writes have been frozen for too long: give up while that is still possible. */
  readonly impatient: boolean;
}

export type MoveStep =
  /** Write this crown at the holder: it freezes, or it commits. */
  | { readonly step: "freeze" | "commit" | "unfreeze"; readonly crown: CrownSpec; readonly why?: string }
  | { readonly step: "drain"; readonly behind: readonly string[] }
  /** Write this crown at the target; its agent unpacks what it has and opens. */
  | { readonly step: "crown"; readonly crown: CrownSpec }
  /** Write this crown at the old holder: it becomes a member. */
  | { readonly step: "step-down"; readonly crown: CrownSpec }
  | { readonly step: "announce"; readonly waiting: readonly string[] }
  | { readonly step: "wait"; readonly why: string }
  | { readonly step: "done" };

/** What to do next; throws FEDERATION_CROWN_… where the move can't be begun. */
export function nextMove(view: MoveView): MoveStep {
  const { to, holder, target } = view;
  if (target && target.crown.holder === to && (!holder || target.crown.epoch >= holder.crown.epoch))
    return finish(view, target.crown);
  if (!holder)
    throw new PanopticonError(
      [
        {
          code: "FEDERATION_CROWN_HOLDER_LOST",
          message: "the holder of the crown can't be reached, so it can't be asked to stop taking writes",
          hint: `If it is lost: panopticon crown move --take --to ${to}`,
        },
      ],
      3,
    );
  eligible(holder.crown, to);
  return before(view, holder, target);
}

type Holder = NonNullable<MoveView["holder"]>;

/** Until the target is crowned. */
function before(view: MoveView, { crown, revisions }: Holder, target: MoveView["target"]): MoveStep {
  const { to, now, impatient } = view;
  const { frozen, ...open } = crown;
  if (!frozen)
    return target ? { step: "freeze", crown: { ...crown, frozen: { to, at: now } } } : unreachable(to);
  const unfreeze = (why: string): MoveStep => ({ step: "unfreeze", crown: open, why });
  if (frozen.to !== to) {
    if (!frozen.committed) return unfreeze(`the crown was being moved to ${frozen.to}`);
    throw new PanopticonError(
      [
        {
          code: "FEDERATION_CROWN_MOVING",
          message: `the crown is being moved to ${frozen.to}, which may have it already`,
          hint: `Finish that first: panopticon crown move --to ${frozen.to}`,
        },
      ],
      1,
    );
  }
  if (!frozen.committed && impatient) return unfreeze(`${to} did not come up to date in time`);
  if (!target) return unreachable(to);
  const behind = typesBehind(crown.epoch, revisions, target.has);
  if (behind.length > 0) return { step: "drain", behind };
  if (!frozen.committed)
    return { step: "commit", crown: { ...crown, frozen: { ...frozen, committed: true } } };
  const after = { epoch: crown.epoch, resourceVersions: revisions };
  const { seat } = eligible(crown, to);
  const epoch = nextEpoch(Math.max(crown.epoch, target.crown.epoch), seat);
  return { step: "crown", crown: crowned(crown, to, epoch, { at: now, how: "moved", after }) };
}

function unreachable(to: string): MoveStep {
  return { step: "wait", why: `site ${to} can't be reached` };
}

/** Types of which the target has not all that the holder has. */
function typesBehind(
  epoch: number,
  revisions: Readonly<Record<string, string>>,
  has: Inheritance,
): readonly string[] {
  return Object.entries(revisions)
    .filter(
      ([type, reached]) =>
        has.epoch !== epoch || compareRevisions(has.resourceVersions[type] ?? "0", reached) < 0,
    )
    .map(([type]) => type);
}

/** Once the target is crowned there is only forward. */
function finish({ holder, others }: MoveView, crown: CrownSpec): MoveStep {
  if (holder && holder.crown.epoch < crown.epoch) return { step: "step-down", crown };
  const waiting = Object.entries(others).filter(([, epoch]) => epoch < crown.epoch);
  return waiting.length > 0 ? { step: "announce", waiting: waiting.map(([name]) => name) } : { step: "done" };
}
