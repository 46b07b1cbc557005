/** Gives a federation its outside witness, and takes it away. */
import { PanopticonError } from "#base/errors.ts";
import type { CrownWitness } from "#control/federation/api/crown.ts";
import { votersOf, witnessVoter } from "#control/federation/crown/take.ts";
import { knownCrown } from "#control/federation/crown/witness.ts";
import type { Kube } from "#ports/kube.ts";
import type { OpenSite } from "../crown-sites.ts";
import { changeCrown, openCrown } from "../removal.ts";
import { openWitness } from "./client.ts";
import { dropCredential, keepCredential } from "./credential.ts";
import type { WitnessAccess } from "./file.ts";

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
 * secret to sites that have it not. Errors: FEDERATION_WITNESS_OTHER,
 * FEDERATION_WITNESS_… where it does not answer, FEDERATION_NOT_HUB.
 */
export async function setWitness(hub: Kube, open: OpenSite, access: WitnessAccess): Promise<WitnessSet> {
  const { witness } = access;
  const { spec } = await openCrown(hub);
  refuseSecond(spec.witness, witness);
  await openWitness(access).tell(knownCrown(spec));
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
function refuseSecond(present: CrownWitness | undefined, wanted: CrownWitness): void {
  if (!present || present.certificate === wanted.certificate) return;
  throw new PanopticonError(
    [
      {
        code: "FEDERATION_WITNESS_OTHER",
        message: `the federation has a witness already: ${present.name} at ${present.url}`,
        hint: "Take it away first: panopticon crown witness remove. Wait until every site has heard of that (crown show --context SITE), then set the other one.",
      },
    ],
    1,
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
