/** Which faults a drill makes: all of an order, a sample, or those that somebody names. */
import { wrongUse } from "#base/errors.ts";
import { sha256 } from "#base/hash.ts";
import { nearest } from "#model/nearest.ts";
import { type Catalogue, pairs } from "./catalogue.ts";
import type { Fault } from "./fault.ts";

export interface Selection {
  /** Selectors: ids with `*` for any letters. */
  readonly only: readonly string[];
  readonly all: boolean;
  readonly order: 1 | 2;
  /** How many of order 2 are drawn; all where undefined. */
  readonly sample?: number;
  /** Draws the same ones again. */
  readonly seed: number;
}

/** The faults in the order they are made. DRILL_UNKNOWN_FAULT for a selector that names nothing. */
export function select(known: Catalogue, { only, all, order, sample, seed }: Selection): readonly Fault[] {
  if (only.length > 0) return only.flatMap((selector) => named(known, selector));
  if (!all && order === 1) return [];
  return order === 1 ? known.components : drawn(sitePairs(known.components), sample, seed);
}

function named({ components, others, undrilled }: Catalogue, selector: string): readonly Fault[] {
  const faults = [...components, ...others];
  const found = faults.filter(({ id }) => matches(selector, id));
  if (found.length > 0) return found;
  const reason = undrilled.find(({ id }) => matches(selector, id));
  if (reason) {
    throw wrongUse("DRILL_NOT_POSSIBLE", `${reason.id} can't be drilled: ${reason.reason}.`);
  }
  const near = nearest(
    selector,
    faults.map(({ id }) => id),
  );
  throw wrongUse(
    "DRILL_UNKNOWN_FAULT",
    `there is no fault "${selector}".`,
    near ? `Did you mean "${near}"?` : "`panopticon drill FILE` lists them all; * stands for any letters.",
  );
}

function matches(selector: string, id: string): boolean {
  const parts = selector.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".*")}$`).test(id);
}

/** Every two components of one site, lost in one instant. */
function sitePairs(components: readonly Fault[]): readonly Fault[] {
  return pairs(components)
    .filter(([left, right]) => left.site === right.site)
    .map(([left, right]) => together(left, right));
}

/** Both faults at once; the second is taken back first. */
export function together(left: Fault, right: Fault): Fault {
  return {
    id: `${left.id} + ${right.id}`,
    site: left.site,
    says: `${left.says}; ${right.says}`,
    loses: [...left.loses, ...right.loses],
    prepare: async (ground) => {
      await left.prepare?.(ground);
      await right.prepare?.(ground);
    },
    make: async (ground) => {
      // Programs first: a machine without power can't be asked to kill one.
      const programs = [left, right].filter(reachesIn);
      for (const fault of programs) await fault.make(ground);
      await Promise.all(
        [left, right].filter((fault) => !reachesIn(fault)).map((fault) => fault.make(ground)),
      );
    },
    undo: async (ground) => {
      const ordered = [left, right].sort((one, other) => Number(reachesIn(one)) - Number(reachesIn(other)));
      for (const fault of ordered) await fault.undo(ground);
    },
  };
}

/** Whether a fault is made on the machine itself, which must run to be hurt and to be mended. */
function reachesIn({ id }: Fault): boolean {
  return /^(haproxy|keepalived|etcd|apiserver|containerd|kill|fill|corrupt):/.test(id);
}

/** The same seed draws the same ones from the same list. */
function drawn(faults: readonly Fault[], sample: number | undefined, seed: number): readonly Fault[] {
  if (sample === undefined || sample >= faults.length) return faults;
  const ranked = faults.map((fault) => ({ fault, rank: sha256(`${seed}/${fault.id}`) }));
  ranked.sort((left, right) => (left.rank < right.rank ? -1 : 1));
  const chosen = new Set(ranked.slice(0, sample).map(({ fault }) => fault));
  return faults.filter((fault) => chosen.has(fault));
}
