/**
 * Keys for names: what each site's name servers take changes by, and what the
 * voters on addresses know each other by. They are the federation's, because
 * sites trust each other here, beside what their clusters trust.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { TSIG_PATH, tsigFile } from "#render/ecam/knot.ts";
import { SITES_AUTHORITY, STEERING_FOLDER, STEERING_SECRETS } from "#render/ecam/steering.ts";
import type { RenderedFile } from "#render/files.ts";
import { ensureAuthority, isGood, readKeyedCertificate } from "./site.ts";
import { createOnce, readIfThere, replaceFile } from "./store.ts";
import { zoneKeyFile } from "./zone-key.ts";
import { clientCertificate, type KeyedCertificate } from "./x509.ts";

/** As long as its authority, nearly: where nobody renews it in time, all names freeze. */
const VOTER_VALID_SECONDS = 3600 * 24 * 3600;
const SECRET_BYTES = 32;

export interface VoterKeys {
  /** PEM of who signs all voters' certificates. */
  readonly authority: string;
  readonly voter: KeyedCertificate;
}

/** A voter's certificate, good as client and as server, and its authority; made where they are missing. Errors: PKI_…. */
export async function ensureVoter(dir: string, voter: string, now: Date): Promise<VoterKeys> {
  const authority = await ensureAuthority(join(dir, "authority"), "panopticon-steering", now);
  const path = join(dir, `${voter}.pem`);
  const text = await readIfThere(path);
  const present = text === undefined ? undefined : readKeyedCertificate(path, text);
  if (present && isGood(present, authority, now)) return { authority: authority.certificate, voter: present };
  const subject = { commonName: voter, organizations: ["panopticon:steering"] };
  const fresh = await clientCertificate(authority, subject, VOTER_VALID_SECONDS, now, ["client", "server"]);
  const made = fresh.key + fresh.certificate;
  // A site's machines are given their files side by side: whoever was first has made it for all.
  if (text === undefined) {
    const kept = await createOnce(path, made);
    return { authority: authority.certificate, voter: readKeyedCertificate(path, kept) };
  }
  await replaceFile(path, made);
  return { authority: authority.certificate, voter: fresh };
}

/** By which one site's records are changed: base64. */
async function ensureTsigSecret(dir: string, site: string): Promise<string> {
  const path = tsigPath(dir, site);
  const made = () => createOnce(path, `${randomBytes(SECRET_BYTES).toString("base64")}\n`);
  return ((await readIfThere(path)) ?? (await made())).trim();
}

/** The same as bytes, where it is there; nothing is made. */
export async function presentTsigSecret(dir: string, site: string): Promise<Buffer | undefined> {
  const text = await readIfThere(tsigPath(dir, site));
  return text === undefined ? undefined : Buffer.from(text.trim(), "base64");
}

function tsigPath(dir: string, site: string): string {
  return join(dir, `${site}.tsig`);
}

/**
 * What an ECAM of the site holds: its name server's keys, and its steering's.
 * @param sites PEM of who signs the certificates that sites show
 * @param signed whether the zone is
 */
export async function namesFiles(
  dir: string,
  site: string,
  sites: string,
  now: Date,
  signed = false,
): Promise<readonly RenderedFile[]> {
  const secret = await ensureTsigSecret(dir, site);
  return [
    { path: TSIG_PATH, content: tsigFile({ name: site }, secret), mode: 0o600 },
    ...(signed ? [await zoneKeyFile(dir)] : []),
    { path: `${STEERING_FOLDER}/${STEERING_SECRETS.tsig}`, content: `${secret}\n`, mode: 0o600 },
    ...voterFiles(await ensureVoter(dir, site, now), sites),
  ];
}

/** What the witness holds: a voter's keys and no name server's. */
export async function witnessFiles(
  dir: string,
  name: string,
  sites: string,
  now: Date,
): Promise<readonly RenderedFile[]> {
  return voterFiles(await ensureVoter(dir, name, now), sites);
}

/** A voter's certificate, key and authority, where its steering reads them. */
function voterFiles({ authority, voter }: VoterKeys, sites: string): readonly RenderedFile[] {
  const at = (name: string): string => `${STEERING_FOLDER}/${name}`;
  return [
    { path: at(STEERING_SECRETS.authority), content: authority, mode: 0o644 },
    { path: at(STEERING_SECRETS.certificate), content: voter.certificate, mode: 0o644 },
    { path: at(STEERING_SECRETS.key), content: voter.key, mode: 0o600 },
    { path: at(SITES_AUTHORITY), content: sites, mode: 0o644 },
  ];
}
