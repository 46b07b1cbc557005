/** The file that `witness create` gives to the operator: where a witness is, how it is known, and the secret by which it knows a federation. */
import { X509Certificate } from "node:crypto";
import { z } from "zod";
import { wrongUse } from "#base/errors.ts";
import type { CrownWitness } from "#control/federation/api/crown.ts";

export const WITNESS_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** An identifier of the federation at this witness, and 256 random bits. */
export const CREDENTIAL = /^([0-9a-f]{16})\.[A-Za-z0-9_-]{43}$/;

const FILE = z.object({
  kind: z.literal("PanopticonWitness"),
  name: z.string().regex(WITNESS_NAME),
  url: z.url({ protocol: /^https$/ }),
  /** PEM. */
  certificate: z.string(),
  credential: z.string().regex(CREDENTIAL),
});

/** A witness as one federation knows it. */
export interface WitnessAccess {
  readonly witness: CrownWitness;
  readonly credential: string;
}

export function witnessFileText({ witness, credential }: WitnessAccess): string {
  const { name, url, certificate } = witness;
  const pem = Buffer.from(certificate, "base64").toString();
  return `${JSON.stringify({ kind: "PanopticonWitness", name, url, certificate: pem, credential }, undefined, 2)}\n`;
}

/** FEDERATION_WITNESS_FILE (exit 2), without a word of what was read: it may be some other secret. */
export function readWitnessFile(text: string, where: string): WitnessAccess {
  const wrong = (why: string) =>
    wrongUse(
      "FEDERATION_WITNESS_FILE",
      `${where} is not the file of a witness: ${why}`,
      "Give the file that `panopticon witness create` has written, as a whole.",
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong("it is no JSON");
  }
  const { data, error } = FILE.safeParse(value);
  if (!data) throw wrong(`${error.issues[0]?.path.join(".") || "it"} is not what it should be`);
  if (fingerprintOf(data.certificate) === undefined) throw wrong("certificate is none");
  const { name, url, certificate, credential } = data;
  return {
    witness: {
      name,
      url,
      certificate: Buffer.from(certificate).toString("base64"),
      federation: credential.split(".")[0] ?? "",
    },
    credential,
  };
}

/** Whether two votes of them are one: the same witness, with the same memory of this federation. */
export function isSameWitness(left: CrownWitness, right: CrownWitness): boolean {
  return left.certificate === right.certificate && left.federation === right.federation;
}

/** SHA-256 of a certificate (PEM), in hex with colons; undefined where it is none. */
export function fingerprintOf(certificate: string): string | undefined {
  try {
    return new X509Certificate(certificate).fingerprint256;
  } catch {
    return undefined;
  }
}
