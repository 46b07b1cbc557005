/**
 * Keys of the front doors: an authority of our own for names of the domain and
 * nothing else, a certificate for each site, and the credential for panels. They
 * are the federation's, in one folder: whoever trusts its `ca.crt` trusts every site.
 */
import { X509Certificate, randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Plan } from "#plan/plan.ts";
import { panelUserLine } from "./htpasswd.ts";
import { ensureAuthority, isGood, readKeyedCertificate } from "./site.ts";
import { createOnce, readIfThere, replaceFile } from "./store.ts";
import { type KeyedCertificate, serverCertificate } from "./x509.ts";

/** Browsers take no longer ones, even of an authority that was installed by hand. */
const VALID_SECONDS = 365 * 24 * 3600;
const PANEL_USER = "operator";

export interface EdgeSite {
  readonly name: string;
  /** `siteN.<domain>`. */
  readonly domain: string;
}

export interface PanelCredential {
  readonly user: string;
  readonly password: string;
  /** As Traefik reads it: a line of htpasswd(1). */
  readonly line: string;
}

/** The file that whoever uses the sites has to trust. */
export function edgeAuthorityFile(dir: string): string {
  return join(dir, "ca.crt");
}

/** The authority, kept in ca.crt and ca.key of `dir`; PKI_ errors as of a site's. */
export async function ensureEdgeAuthority(dir: string, domain: string, now: Date): Promise<KeyedCertificate> {
  return await ensureAuthority(join(dir, "ca"), `Panopticon ${domain}`, now, domain);
}

/**
 * PEM of who signs the certificates that sites show, but for public authorities:
 * ours, which signs until another one's are there, and the ACME authority that the
 * file names one for. Errors: PKI_….
 */
export async function sitesAuthority(
  dir: string,
  { domain, acme }: Pick<Plan, "domain" | "acme">,
  now: Date,
): Promise<string> {
  const own = await ensureEdgeAuthority(dir, domain, now);
  const other = acme?.authorityFile === undefined ? undefined : await readIfThere(acme.authorityFile);
  return other === undefined ? own.certificate : `${own.certificate}${other}`;
}

/** Every name that a site answers for: the domain's and its own, each with all that is one label below. */
export function edgeNames(domain: string, site: EdgeSite): readonly string[] {
  return [domain, `*.${domain}`, site.domain, `*.${site.domain}`];
}

/** A site's certificate: a year long, made anew when less than thirty days are left or its names are others. */
export async function ensureEdgeCertificate(
  dir: string,
  domain: string,
  site: EdgeSite,
  now: Date,
): Promise<KeyedCertificate> {
  const present = await presentEdgeCertificate(dir, domain, site, now);
  if (present) return present;
  const authority = await ensureEdgeAuthority(dir, domain, now);
  const fresh = await serverCertificate(authority, edgeNames(domain, site), VALID_SECONDS, now);
  await replaceFile(certificateFile(dir, site), fresh.key + fresh.certificate);
  return fresh;
}

/** The same where it is there and good; nothing is made. */
export async function presentEdgeCertificate(
  dir: string,
  domain: string,
  site: EdgeSite,
  now: Date,
): Promise<KeyedCertificate | undefined> {
  const path = certificateFile(dir, site);
  const [text, authority] = await Promise.all([readIfThere(path), readIfThere(edgeAuthorityFile(dir))]);
  if (text === undefined || authority === undefined) return undefined;
  const present = readKeyedCertificate(path, text);
  const wanted = edgeNames(domain, site).map((name) => `DNS:${name}`);
  const has = new X509Certificate(present.certificate).subjectAltName?.split(", ") ?? [];
  const same = wanted.length === has.length && wanted.every((name) => has.includes(name));
  return same && isGood(present, { certificate: authority }, now) ? present : undefined;
}

/** What was last made for the site, whatever it is worth by now. */
export async function keptEdgeCertificate(
  dir: string,
  site: EdgeSite,
): Promise<KeyedCertificate | undefined> {
  const path = certificateFile(dir, site);
  const text = await readIfThere(path);
  return text === undefined ? undefined : readKeyedCertificate(path, text);
}

/** The one credential for panels until people sign on: made once, never changed. */
export async function ensurePanelCredential(dir: string): Promise<PanelCredential> {
  const path = join(dir, "panels");
  const password =
    (await readIfThere(path)) ?? (await createOnce(path, randomBytes(24).toString("base64url")));
  return credentialOf(password);
}

/** The same where it is there; nothing is made. */
export async function presentPanelCredential(dir: string): Promise<PanelCredential | undefined> {
  const password = await readIfThere(join(dir, "panels"));
  return password === undefined ? undefined : credentialOf(password);
}

function credentialOf(password: string): PanelCredential {
  return { user: PANEL_USER, password, line: panelUserLine(PANEL_USER, password) };
}

function certificateFile(dir: string, site: EdgeSite): string {
  return join(dir, `site-${site.name}.pem`);
}
