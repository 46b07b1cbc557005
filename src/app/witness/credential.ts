/** The secret by which a federation's witness knows it: a Secret in each site that could take the crown. */
import { wrongUse } from "#base/errors.ts";
import { SECRETS } from "#control/federation/agent/resources.ts";
import type { CrownSpec } from "#control/federation/api/crown.ts";
import { SYSTEM_NAMESPACE } from "#control/federation/api/names.ts";
import type { Kube } from "#ports/kube.ts";
import type { OpenSite } from "../crown-sites.ts";
import { isSameWitness, readWitnessFile, type WitnessAccess, witnessFileText } from "./file.ts";

const NAME = "panopticon-witness";
const KEY = "witness.json";
/** A site that is cut off must not hold up the others. */
const SOON_MS = 4000;
const REF = { resource: SECRETS, namespace: SYSTEM_NAMESPACE, name: NAME };

/** Keeps it at a site. Errors: KUBE_…. */
export async function keepCredential(site: Kube, access: WitnessAccess): Promise<void> {
  const data = { [KEY]: Buffer.from(witnessFileText(access)).toString("base64") };
  const metadata = { name: NAME, namespace: SYSTEM_NAMESPACE };
  const secret = { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque", data };
  await site.apply(REF, secret, { fieldManager: "panopticon-cli", ...soon() });
}

/** Whether there is none any more. */
export async function dropCredential(site: Kube): Promise<boolean> {
  try {
    await site.delete(REF, soon());
    return true;
  } catch {
    return false;
  }
}

/** The credential of the crown's witness that one of these sites has, the first of them first; undefined where none that answers has it. */
export async function findCredential(
  { witness }: CrownSpec,
  sites: readonly (Kube | undefined)[],
): Promise<WitnessAccess | undefined> {
  if (!witness) return undefined;
  const found = await Promise.all(sites.map(read));
  const credential = found.find((one) => one && isSameWitness(one.witness, witness))?.credential;
  return credential === undefined ? undefined : { witness, credential };
}

async function read(site: Kube | undefined): Promise<WitnessAccess | undefined> {
  try {
    const text = (await site?.find(REF, soon()))?.data?.[KEY];
    return text === undefined ? undefined : readWitnessFile(Buffer.from(text, "base64").toString(), NAME);
  } catch {
    return undefined;
  }
}

/** By the operator's own file; FEDERATION_WITNESS_FILE where it is of another witness than the crown's. */
export function credentialIn({ witness }: CrownSpec, text: string, where: string): WitnessAccess | undefined {
  const access = readWitnessFile(text, where);
  if (!witness) return undefined;
  if (isSameWitness(access.witness, witness)) return { ...access, witness };
  throw wrongUse(
    "FEDERATION_WITNESS_FILE",
    `${where} was not made for this federation, whose witness is ${witness.name} at ${witness.url}`,
    "Name the file that was given to `panopticon crown witness set`.",
  );
}

/** The sites that could take the crown, as the operator reaches them. */
export function seated({ sites }: CrownSpec, open: OpenSite): readonly (Kube | undefined)[] {
  return sites.filter(({ seat }) => seat > 0).map(({ name }) => open(name));
}

function soon(): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(SOON_MS) };
}
