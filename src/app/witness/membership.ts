/** Gives a federation its outside witness, and takes it away. */
import { setTimeout as sleep } from "node:timers/promises";
import { PanopticonError, worldFailed } from "#base/errors.ts";
import type { CrownSpec, CrownWitness } from "#control/federation/api/crown.ts";
import { votersOf, witnessVoter } from "#control/federation/crown/take.ts";
import { knownCrown } from "#control/federation/crown/witness.ts";
import type { Kube } from "#ports/kube.ts";
import { type OpenSite, reach } from "../crown-sites.ts";
import { changeCrown, openCrown } from "../removal.ts";
import { openWitness } from "./client.ts";
import { dropCredential, keepCredential } from "./credential.ts";
import { isSameWitness, type WitnessAccess } from "./file.ts";

/** It asks the holder once a second, and waits three for an answer. */
const LOOK_MS = 500;
const LOOKS = 20;

export interface WitnessSet {
  readonly witness: CrownWitness;
  /** Whether it votes with as many sites as there are now. */
  readonly votes: boolean;
  /** Sites that have its secret. */
  readonly kept: readonly string[];
  /** Sites that could not be given it. */
  readonly missing: readonly string[];
}

/**
 * Sets the witness of a federation, at the hub; done again, it brings the
 * secret to sites that have it not. Errors: FEDERATION_WITNESS_OTHER, …_DEAF
 * where it does not hear the holder, others where it does not answer, FEDERATION_NOT_HUB.
 */
export async function setWitness(hub: Kube, open: OpenSite, access: WitnessAccess): Promise<WitnessSet> {
  const { witness } = access;
  const { spec } = await openCrown(hub);
  refuseSecond(spec.witness, witness);
  await refuseElsewhere(spec, open, witness);
  await untilHeard(spec, access);
  // First where it will be needed, then in force: a taker must not know of a witness that it can't ask.
  await keepCredential(hub, access);
  const sites = spec.sites.filter(({ seat, name }) => seat > 0 && name !== spec.holder);
  const given = await Promise.all(sites.map(({ name }) => succeeds(keepAt(open(name), access))));
  await changeCrown(hub, (crown) => {
    refuseSecond(crown.witness, witness);
    return JSON.stringify(crown.witness) === JSON.stringify(witness) ? undefined : { ...crown, witness };
  });
  const names = (wanted: boolean) =>
    sites.filter((_, index) => given[index] === wanted).map((one) => one.name);
  return {
    witness,
    votes: votersOf({ ...spec, witness }).includes(witnessVoter(witness)),
    kept: [spec.holder, ...names(true)],
    missing: names(false),
  };
}

export interface WitnessRemoved {
  /** Undefined where there was none. */
  readonly witness: CrownWitness | undefined;
  /** Sites that may still have its secret. */
  readonly left: readonly string[];
}

/** Takes a federation's witness away, at the hub. Errors: FEDERATION_NOT_HUB. */
export async function removeWitness(hub: Kube, open: OpenSite): Promise<WitnessRemoved> {
  const { spec } = await openCrown(hub);
  await changeCrown(hub, ({ witness, ...rest }) => witness && rest);
  const sites = spec.sites.filter(({ seat }) => seat > 0);
  const dropped = await Promise.all(
    sites.map(async ({ name }) => {
      const site = name === spec.holder ? hub : open(name);
      return site !== undefined && (await dropCredential(site));
    }),
  );
  const left = sites.filter((_, index) => !dropped[index]).map(({ name }) => name);
  return { witness: spec.witness, left };
}

/**
 * One witness in place of another would give a round two majorities, as long as
 * a site knows only the old one.
 */
function refuseSecond(
  present: CrownWitness | undefined,
  wanted: CrownWitness,
  where = "the federation",
): void {
  if (!present || isSameWitness(present, wanted)) return;
  throw new PanopticonError(
    [
      {
        code: "FEDERATION_WITNESS_OTHER",
        message: `${where} has a witness already: ${present.name} at ${present.url}`,
        hint: "Take it away first: panopticon crown witness remove. Once every site has heard of that (crown show --context SITE), set the other one.",
      },
    ],
    1,
  );
}

/** A witness that was taken away may still be one to a site that has not heard of that. */
async function refuseElsewhere(
  { sites, holder }: CrownSpec,
  open: OpenSite,
  wanted: CrownWitness,
): Promise<void> {
  const others = sites.filter(({ name, seat }) => seat > 0 && name !== holder);
  await Promise.all(
    others.map(async ({ name }) => {
      const crown = await reach(open(name));
      refuseSecond(crown?.spec.witness, wanted, `site ${name}`);
    }),
  );
}

/** One that can't hear the holder would vote against it as soon as it is asked. */
async function untilHeard(crown: CrownSpec, access: WitnessAccess): Promise<void> {
  const { name, url } = access.witness;
  const known = knownCrown(crown);
  const asked = openWitness(access);
  for (let looks = 0; looks < LOOKS; looks += 1) {
    const { holder, heardSecondsAgo } = await asked.tell(known);
    if (holder !== crown.holder || heardSecondsAgo !== undefined) return;
    await sleep(LOOK_MS);
  }
  throw worldFailed(
    "FEDERATION_WITNESS_DEAF",
    `the witness ${name} at ${url} does not hear ${crown.holder} at ${known.endpoints.join(", ")}`,
    "It has to reach the API of every site that can hold the crown, at the addresses in the crown (crown show -o json), or it would vote against a holder that lives.",
  );
}

async function keepAt(site: Kube | undefined, access: WitnessAccess): Promise<void> {
  if (!site) throw new Error("no way to the site");
  await keepCredential(site, access);
}

async function succeeds(work: Promise<void>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
