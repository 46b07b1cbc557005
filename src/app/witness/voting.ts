/** The witness as those who take or move the crown meet it. */
import type { Emit } from "#base/events.ts";
import { PanopticonError } from "#base/errors.ts";
import type { CrownSpec } from "#control/federation/api/crown.ts";
import { type Claim, type Vote, votersOf, witnessVoter } from "#control/federation/crown/take.ts";
import { knownCrown } from "#control/federation/crown/witness.ts";
import type { Kube } from "#ports/kube.ts";
import type { OpenSite } from "../crown-sites.ts";
import { openWitness, type Witness } from "./client.ts";
import { credentialIn, findCredential, seated } from "./credential.ts";
import type { WitnessReport } from "./wire.ts";

/** Of a witness that can't be trusted, or does not trust us: nobody goes on as if it were merely silent. */
const STRANGE: readonly string[] = [
  "FEDERATION_WITNESS_CERTIFICATE",
  "FEDERATION_WITNESS_FILE",
  "FEDERATION_WITNESS_SECRET",
];

/** A file of `witness create`, by whose secret the witness is asked where no site in reach has it. */
export interface WitnessFile {
  readonly name: string;
  readonly text: string;
}

export interface Voting {
  /** Its vote; undefined where it is silent, has no vote here, or there is none. Errors: FEDERATION_WITNESS_CERTIFICATE, …_SECRET. */
  vote(crown: CrownSpec, claim: Claim): Promise<Vote | undefined>;
  /** The claim was refused: the vote is free again. */
  giveUp(crown: CrownSpec, claim: Claim): Promise<void>;
  tell(crown: CrownSpec): Promise<void>;
}

/**
 * What can't be had is told and done without.
 * @param first the site whose Secret is looked at before those of the others
 * @param insists goes on without a witness that is strange
 */
export function openVoting(
  open: OpenSite,
  first: string,
  emit: Emit,
  { file, insists = false }: { readonly file?: WitnessFile | undefined; readonly insists?: boolean } = {},
): Voting {
  const known = new Map<string, Witness | undefined>();
  const silent = new Set<string>();
  const find = async (crown: CrownSpec): Promise<Witness | undefined> => {
    const { federation = "" } = crown.witness ?? {};
    if (!known.has(federation)) {
      const access = file
        ? credentialIn(crown, file.text, file.name)
        : ((await findCredential(crown, [open(first)])) ??
          (await findCredential(crown, seated(crown, open))));
      known.set(federation, access && openWitness(access));
    }
    return known.get(federation);
  };
  const use = async <T>(crown: CrownSpec, work: (witness: Witness) => Promise<T>): Promise<T | undefined> => {
    if (!crown.witness) return undefined;
    const subject = witnessVoter(crown.witness);
    const witness = await find(crown);
    if (witness) return work(witness);
    if (!silent.has(subject)) {
      const what = "no site in reach has its secret: name the file of `witness create` with --witness-file";
      emit({ kind: "note", subject, what });
    }
    silent.add(subject);
    return undefined;
  };
  return {
    async vote(crown, claim) {
      if (!crown.witness || !votersOf(crown).includes(witnessVoter(crown.witness))) return undefined;
      try {
        const { site, epoch } = claim;
        return await use(crown, (witness) => witness.claim({ crown: knownCrown(crown), site, epoch }));
      } catch (error) {
        const [problem] = error instanceof PanopticonError ? error.problems : [];
        if (!problem || (STRANGE.includes(problem.code) && !insists)) throw error;
        emit({ kind: "note", subject: witnessVoter(crown.witness), what: problem.message });
        return undefined;
      }
    },
    async giveUp(crown, claim) {
      // Whoever hears nothing of it doubts, which is safe; and that it is silent was said before.
      await use(crown, (witness) => witness.giveUp(claim)).catch(() => undefined);
    },
    async tell(crown) {
      try {
        await use(crown, (witness) => witness.tell(knownCrown(crown)));
      } catch (error) {
        // The crown is what it is, whatever the witness says to it.
        const [problem] = error instanceof PanopticonError ? error.problems : [];
        if (!problem) throw error;
        const what = `${problem.message}; it does not know of epoch ${crown.epoch} yet: \`panopticon crown show\` tells it`;
        emit({ kind: "note", subject: witnessVoter(crown.witness ?? { name: "" }), what });
      }
    },
  };
}

/** Whether a federation's witness answers. */
export type WitnessSight =
  | { readonly answers: true; readonly report: WitnessReport }
  | { readonly answers: false; readonly why: string };

/** Asks the crown's witness, which learns of the crown so; undefined where there is none. @param first whose Secrets are looked at before those of the others */
export async function seeWitness(
  crown: CrownSpec,
  first: readonly Kube[],
  open: OpenSite,
): Promise<WitnessSight | undefined> {
  if (!crown.witness) return undefined;
  const access = (await findCredential(crown, first)) ?? (await findCredential(crown, seated(crown, open)));
  if (!access) return { answers: false, why: "no site in reach has its secret" };
  try {
    return { answers: true, report: await openWitness(access).tell(knownCrown(crown)) };
  } catch (error) {
    const [problem] = error instanceof PanopticonError ? error.problems : [];
    if (!problem) throw error;
    return { answers: false, why: `${problem.code} ${problem.message}` };
  }
}
