/**
 * What is kept of an ACME authority, in a folder for each: the key of our account
 * there, the sites' certificates, and the order that is open for a site. The
 * order is written down before anything is done for it, so that a run that was
 * killed is gone on with, and nothing it put anywhere is forgotten.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { worldFailed } from "#base/errors.ts";
import { sha256 } from "#base/hash.ts";
import { readKeyedCertificate } from "./site.ts";
import { createOnce, readIfThere, replaceFile } from "./store.ts";
import { type KeyedCertificate, newKeyPair } from "./x509.ts";

const ORDER = z.strictObject({
  names: z.array(z.string()),
  url: z.string().exactOptional(),
  key: z.string(),
  proofs: z.array(z.strictObject({ name: z.string(), text: z.string() })),
});

/** A TXT record that proves a name. */
export interface Proof {
  /** Of the record, such as `_acme-challenge.home.example`. */
  readonly name: string;
  readonly text: string;
}

/** An order, from before it is made until nothing of it is left. */
export interface OpenOrder {
  readonly names: readonly string[];
  /** Its place at the authority; missing where it has come to its end there. */
  readonly url?: string;
  /** PEM: of the certificate that is ordered. */
  readonly key: string;
  /** What may stand at name servers. */
  readonly proofs: readonly Proof[];
}

/** Where a site's open order is kept. */
export interface OrderStore {
  read(): Promise<OpenOrder | undefined>;
  write(order: OpenOrder): Promise<void>;
  remove(): Promise<void>;
}

/** An authority's folder, below that of the front doors' keys; by its host, for people. */
export function acmeFolder(edge: string, directory: string): string {
  return join(edge, "acme", `${new URL(directory).hostname}-${sha256(directory).slice(0, 8)}`);
}

/** The account's key, made where there is none; PEM. */
export async function ensureAccountKey(folder: string): Promise<string> {
  const path = join(folder, "account.pem");
  return (await readIfThere(path)) ?? (await createOnce(path, newKeyPair().privateKey));
}

/** A site's certificate, with what signs it after it; undefined where it has none. Errors: PKI_UNREADABLE, PKI_MISMATCH. */
export async function presentAcmeCertificate(
  folder: string,
  site: string,
): Promise<KeyedCertificate | undefined> {
  const path = certificatePath(folder, site);
  const text = await readIfThere(path);
  return text === undefined ? undefined : readKeyedCertificate(path, text);
}

export async function keepAcmeCertificate(
  folder: string,
  site: string,
  { key, certificate }: KeyedCertificate,
): Promise<void> {
  await replaceFile(certificatePath(folder, site), key + certificate);
}

export function orderStore(folder: string, site: string): OrderStore {
  const path = join(folder, `site-${site}.order.json`);
  return {
    read: async () => {
      const text = await readIfThere(path);
      return text === undefined ? undefined : parsed(path, text);
    },
    write: (order) => replaceFile(path, `${JSON.stringify(order)}\n`),
    remove: () => rm(path, { force: true }),
  };
}

function certificatePath(folder: string, site: string): string {
  return join(folder, `site-${site}.pem`);
}

function parsed(path: string, text: string): OpenOrder {
  try {
    return ORDER.parse(JSON.parse(text));
  } catch (cause) {
    throw worldFailed(
      "PKI_UNREADABLE",
      `${path} holds no order that can be read.`,
      "Move it away: another order is made. TXT records that it put at name servers stay there then.",
      cause,
    );
  }
}
