/**
 * A federation without a network: sites, each with a hub's store, a mirror and
 * a crown, and the ways in which they meet. Every decision is the product's own
 * function; here is only the world around them, with its cut lines and crashes.
 */
import { conflictName } from "../api/conflict.ts";
import type { CrownSpec } from "../api/crown.ts";
import { keyText } from "../api/mirror.ts";
import { conflictsOf } from "../crown/conflicts.ts";
import { accepts, newest } from "../crown/epoch.ts";
import { nextMove } from "../crown/move.ts";
import { claimOf, take, type Vote, vote } from "../crown/take.ts";
import { brake } from "../deletion/brake.ts";
import { absences, buried } from "../deletion/tombstones.ts";
import {
  type Accepted,
  mirrorOf,
  objectKey,
  type Peer,
  type SimulatedSite,
  type Stored,
  TYPE,
  versionOf,
} from "./parts.ts";
import { SimulatedWitness, WITNESS } from "./witness.ts";

const BUDGET = { count: 1, percent: 0 };

interface TakeOptions {
  readonly force?: boolean;
  /** The taker, before it writes the crown. */
  readonly dies?: boolean;
  /** The witness, before its answer. */
  readonly witnessDies?: boolean;
  /** The witness does not get to know what became of its vote. */
  readonly untold?: boolean;
}

export class Federation {
  readonly sites: readonly SimulatedSite[];
  readonly accepted: Accepted[] = [];
  readonly witness: SimulatedWitness | undefined;
  /** Epochs that were ever given, to whom. */
  readonly crownings: (readonly [number, string])[] = [];
  /** Takes by a majority: the epoch, the one that the taker knew of, and whether the witness was for it. */
  readonly takes: { readonly epoch: number; readonly after: number; readonly witnessed: boolean }[] = [];
  /** Deletions at a site that had no tombstone, and syncs that deleted too much. */
  readonly misdeeds: string[] = [];
  cut: readonly (readonly [string, string])[] = [];

  constructor(names: readonly string[], witnessed = false) {
    this.witness = witnessed ? new SimulatedWitness() : undefined;
    const crown: CrownSpec = {
      epoch: 1001,
      holder: names[0] ?? "",
      sites: names.map((name, index) => ({ name, kind: "on-prem", seat: index + 1, endpoints: [] })),
      ...(witnessed && { witness: WITNESS }),
      history: [{ epoch: 1001, holder: names[0] ?? "", at: "", how: "founded" }],
    };
    this.sites = names.map((name, index) => ({
      name,
      crown,
      promised: undefined,
      hub: index === 0 ? { epoch: 1001, store: new Map() } : undefined,
      revision: 10 * (index + 1),
      mirrors: new Map(),
      has: { epoch: 0, resourceVersions: {} },
      conflicts: new Map(),
      applied: new Set(),
      alive: true,
    }));
    this.crownings.push([1001, names[0] ?? ""]);
  }

  meets(left: Peer, right: Peer): boolean {
    const apart = this.cut.some(([a, b]) => [a, b].includes(left.name) && [a, b].includes(right.name));
    return left.alive && right.alive && (left === right || !apart);
  }

  private hears(listener: Peer, name: string): boolean {
    const site = this.sites.find((one) => one.name === name);
    return site !== undefined && this.meets(listener, site);
  }

  /** A user's write, or a deletion, at a site that believes to be the hub. */
  write(site: SimulatedSite, key: string, kind: Accepted["kind"]): void {
    const { hub, crown } = site;
    if (!site.alive || !hub || crown.holder !== site.name || crown.epoch !== hub.epoch || crown.frozen)
      return;
    const before = hub.store.get(key)?.write;
    if (kind === "delete" && before === undefined) return;
    const write = `w${this.accepted.length}`;
    site.revision += 1;
    if (kind === "write") hub.store.set(key, { write, revision: site.revision });
    else hub.store.delete(key);
    this.accepted.push({ write, key, kind, before });
  }

  /** The site's agent at a hub looks at the hub's own API. */
  mirrorOwn(site: SimulatedSite): void {
    if (!site.alive || !site.hub) return;
    const { epoch, store } = site.hub;
    for (const [key, { write, revision }] of store) {
      if (site.mirrors.get(key)?.hash === write && !site.mirrors.get(key)?.tombstone) continue;
      site.mirrors.set(key, mirrorOf(key, { write, revision }, epoch));
    }
    for (const [key, mirror] of site.mirrors) {
      if (store.has(key) || mirror.tombstone) continue;
      site.mirrors.set(key, buried(mirror, { epoch, resourceVersion: `${site.revision}` }, ""));
    }
    site.has = { epoch, resourceVersions: { [TYPE]: `${site.revision}` } };
    this.work(site);
  }

  /** The agent of a member asks a hub; it may be killed after any number of steps. */
  sync(site: SimulatedSite, hub: SimulatedSite, killedAfter = Number.POSITIVE_INFINITY): void {
    if (site === hub || !this.meets(site, hub) || !hub.hub || hub.crown.epoch !== hub.hub.epoch) return;
    if (!accepts(site.crown, hub.crown)) return;
    this.mirrorOwn(hub);
    if (site.hub) this.mirrorOwn(site);
    const known = site.crown.epoch;
    site.crown = newest(site.crown, [hub.crown]);
    if (killedAfter < 1) return;
    this.keepConflicts(site, hub);
    if (hub.crown.epoch > known || site.crown.holder !== site.name) site.hub = undefined;
    if (killedAfter < 2) return;
    if (this.copy(site, hub, killedAfter - 2)) this.work(site);
  }

  private keepConflicts(site: SimulatedSite, hub: SimulatedSite): void {
    const state = new Map(
      [...(hub.hub?.store ?? [])].map(([key, { write }]) => [keyText(objectKey(key)), write]),
    );
    for (const conflict of conflictsOf(site.name, site.mirrors.values(), state, hub.crown, () => TYPE, ""))
      site.conflicts.set(conflictName(conflict), conflict);
    for (const [name, conflict] of [...site.conflicts, ...hub.conflicts]) {
      site.conflicts.set(name, conflict);
      hub.conflicts.set(name, conflict);
    }
  }

  /** Whether all was copied. */
  private copy(site: SimulatedSite, hub: SimulatedSite, steps: number): boolean {
    const { epoch, store } = hub.hub ?? { epoch: 0, store: new Map() };
    let left = steps;
    for (const [key, { write, revision }] of store) {
      if (left-- <= 0) return false;
      site.mirrors.set(key, mirrorOf(key, { write, revision }, epoch));
    }
    const listed = new Set([...store.keys()].map((key) => keyText(objectKey(key))));
    const dead = [...hub.mirrors.values()]
      .filter(({ tombstone }) => tombstone)
      .map((mirror) => keyText(mirror));
    for (const mirror of absences(site.mirrors.values(), listed, new Set(dead)).deleted) {
      const grave = hub.mirrors.get(mirror.name);
      if (left-- <= 0) return false;
      if (grave) site.mirrors.set(mirror.name, { ...grave, epoch, resourceVersion: `${hub.revision}` });
    }
    site.has = { epoch, resourceVersions: { [TYPE]: `${hub.revision}` } };
    return true;
  }

  /** From its mirrors alone the site does its work. */
  work(site: SimulatedSite, release?: string): string | undefined {
    const dead = [...site.applied].filter((key) => site.mirrors.get(key)?.tombstone !== undefined);
    const pending = dead.map((key) => ({ key, ...versionOf(site.mirrors.get(key)) }));
    const { allowed, token } = brake(site.name, pending, site.applied.size, BUDGET, release);
    if (release === undefined && allowed.length > BUDGET.count)
      this.misdeeds.push(`${site.name} deleted ${allowed.length}`);
    for (const { key } of allowed) {
      if (!this.accepted.some((one) => one.kind === "delete" && one.key === key))
        this.misdeeds.push(`${site.name} deleted ${key}, which nobody had`);
      site.applied.delete(key);
    }
    for (const [key, { tombstone }] of site.mirrors) if (!tombstone) site.applied.add(key);
    return token;
  }

  gossip(left: SimulatedSite, right: SimulatedSite): void {
    if (!this.meets(left, right)) return;
    for (const site of [left, right]) {
      site.crown = newest(site.crown, [left.crown, right.crown]);
      this.unpack(site);
    }
  }

  /** Claims the crown for a site; a refusal leaves everything as it was but for the promises. */
  take(site: SimulatedSite, { force = false, dies, witnessDies, untold }: TakeOptions): void {
    if (!site.alive) return;
    this.mirrorOwn(site);
    const claim = claimOf(site.crown, site.name, site.has, site.promised);
    const votes: Vote[] = this.sites
      .filter((voter) => this.meets(site, voter))
      .map((voter) => {
        const heard = this.hears(voter, voter.crown.holder) ? { holderHeardMsAgo: 0 } : {};
        const { name, crown, promised, has } = voter;
        const given = vote({ name, crown, has, ...(promised && { promised }), ...heard }, claim, 1000);
        if (given.granted) voter.promised = given.promise;
        return given;
      });
    const { witness } = this;
    const met = witness && this.meets(site, witness) ? witness : undefined;
    const asked = met?.ask(site.crown, claim, (name) => this.hears(met, name), witnessDies ?? false);
    if (asked) votes.push(asked);
    try {
      const crown = take({ crown: site.crown, claim, votes, force, at: "" });
      if (dies) return;
      if (crown.history.at(-1)?.how === "taken")
        this.takes.push({
          epoch: crown.epoch,
          after: site.crown.epoch,
          witnessed: asked?.granted ?? false,
        });
      this.crown(site, crown);
      if (met?.alive && !untold) met.tell(crown);
    } catch (error) {
      if (!(error instanceof Error && error.name === "PanopticonError")) throw error;
      if (met?.alive) met.giveUp(claim);
    }
  }

  private crown(site: SimulatedSite, crown: CrownSpec): void {
    this.crownings.push([crown.epoch, site.name]);
    site.crown = crown;
    this.unpack(site);
  }

  /** A site that finds itself crowned makes its API the hub's from its mirrors. */
  private unpack(site: SimulatedSite): void {
    const { crown } = site;
    if (crown.holder !== site.name || (site.hub && site.hub.epoch >= crown.epoch)) return;
    const store = new Map<string, Stored>();
    for (const [key, mirror] of site.mirrors) {
      site.revision += 1;
      if (!mirror.tombstone) store.set(key, { write: mirror.hash, revision: site.revision });
    }
    site.hub = { epoch: crown.epoch, store };
  }

  /** One step of a planned move by somebody who stands at the target. */
  moveStep(to: SimulatedSite, impatient: boolean): void {
    const best = newest(
      to.crown,
      this.sites.filter((site) => this.meets(to, site)).map(({ crown }) => crown),
    );
    const holder = this.sites.find(
      ({ name, hub }) =>
        name === (best.holder === to.name ? best.history.at(-2)?.holder : best.holder) && hub,
    );
    if (!to.alive || holder === to) return;
    const near = holder && this.meets(to, holder) ? holder : undefined;
    try {
      const step = nextMove({
        to: to.name,
        holder: near && { crown: near.crown, revisions: { [TYPE]: `${near.revision}` } },
        target: { crown: to.crown, has: to.has },
        others: {},
        now: "",
        impatient,
      });
      if (step.step === "crown") this.crown(to, step.crown);
      else if (near && (step.step === "freeze" || step.step === "commit" || step.step === "unfreeze"))
        near.crown = step.crown;
      else if (near && step.step === "drain") this.sync(to, near);
      else if (near && step.step === "step-down") this.sync(near, to);
    } catch (error) {
      if (!(error instanceof Error && error.name === "PanopticonError")) throw error;
    }
  }

  /** Everything works again for long enough. */
  heal(): SimulatedSite {
    this.cut = [];
    for (const site of this.sites) site.alive = true;
    for (let round = 0; round < 4; round += 1) {
      for (const left of this.sites) for (const right of this.sites) this.gossip(left, right);
      for (const site of this.sites) for (const hub of this.sites) this.sync(site, hub);
    }
    const [best] = this.sites.toSorted((left, right) => right.crown.epoch - left.crown.epoch);
    const hub = this.sites.find(({ name }) => name === best?.crown.holder);
    if (!hub) throw new Error("nobody is crowned");
    this.mirrorOwn(hub);
    return hub;
  }
}
