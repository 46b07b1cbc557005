/**
 * Certificates as kubeadm makes them (cmd/kubeadm/app/util/pkiutil): ECDSA P-256,
 * SHA-256, keys as SEC1 PEM, serial numbers below 2^63.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  type webcrypto,
} from "node:crypto";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const BACKDATE_SECONDS = 5 * 60;
const DAY_SECONDS = 24 * 3600;
const AUTHORITY_DAYS = 3650;

/** A certificate and its private key, both PEM. */
export interface KeyedCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface ClientSubject {
  /** The Kubernetes user. */
  readonly commonName: string;
  /** The user's groups. */
  readonly organizations: readonly string[];
}

/** A new P-256 key pair: private as SEC1 PEM, public as PKIX PEM. */
export function newKeyPair(): { readonly privateKey: string; readonly publicKey: string } {
  return generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "sec1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
}

/**
 * A self-signed authority's certificate for `key` (PEM), valid ten years from
 * `now`. With a `domain` it can vouch for names of that domain alone, so that
 * who trusts it trusts it with nothing else (RFC 5280, 4.2.1.10).
 */
export async function authorityCertificate(
  commonName: string,
  key: string,
  now: Date,
  domain?: string,
): Promise<string> {
  const x509 = await loadX509();
  const keys = await webKeys(key);
  const { digitalSignature, keyEncipherment, keyCertSign } = x509.KeyUsageFlags;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    ...validity(now, AUTHORITY_DAYS * DAY_SECONDS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(digitalSignature | keyEncipherment | keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      domain === undefined
        ? new x509.SubjectAlternativeNameExtension([{ type: "dns", value: commonName }])
        : new x509.Extension(NAME_CONSTRAINTS, true, permittedDomain(domain)),
    ],
  });
  return `${certificate.toString("pem")}\n`;
}

const NAME_CONSTRAINTS = "2.5.29.30";

/** DER of NameConstraints that permit one domain and what is below it. */
function permittedDomain(domain: string): Uint8Array<ArrayBuffer> {
  const wrap = (tag: number, content: readonly number[]): readonly number[] => {
    if (content.length > 127) throw new RangeError(`${domain} is too long for a certificate of its own`);
    return [tag, content.length, ...content];
  };
  const name = wrap(0x82, [...Buffer.from(domain, "ascii")]);
  return new Uint8Array(wrap(0x30, wrap(0xa0, wrap(0x30, name))));
}

/** A server's certificate with a new key for these DNS names, the first of them its common name. */
export async function serverCertificate(
  authority: KeyedCertificate,
  names: readonly string[],
  validSeconds: number,
  now: Date,
): Promise<KeyedCertificate> {
  const subject = { commonName: names[0] ?? "", organizations: [] };
  return issued(authority, { subject, purposes: ["server"], names }, validSeconds, now);
}

/** What a certificate may be shown for. */
export type Purpose = "client" | "server";

/**
 * A client certificate with a new key, signed by `authority`, valid from five
 * minutes before `now` (clocks differ) until `validSeconds` after it.
 */
export async function clientCertificate(
  authority: KeyedCertificate,
  subject: ClientSubject,
  validSeconds: number,
  now: Date,
  purposes: readonly Purpose[] = ["client"],
): Promise<KeyedCertificate> {
  return issued(authority, { subject, purposes, names: [] }, validSeconds, now);
}

interface Holder {
  readonly subject: ClientSubject;
  readonly purposes: readonly Purpose[];
  /** DNS names, where it is known by any. */
  readonly names: readonly string[];
}

/** A certificate with a new key for whoever is no authority. */
async function issued(
  authority: KeyedCertificate,
  { subject, purposes, names }: Holder,
  validSeconds: number,
  now: Date,
): Promise<KeyedCertificate> {
  const x509 = await loadX509();
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
  const usages = purposes.map((purpose) => (purpose === "client" ? clientAuth : serverAuth));
  const dns = names.map((value) => ({ type: "dns" as const, value }));
  const issuer = new x509.X509Certificate(authority.certificate);
  const key = newKeyPair().privateKey;
  const { publicKey } = await webKeys(key);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [subject.commonName] }, ...subject.organizations.map((name) => ({ O: [name] }))],
    issuer: issuer.subjectName,
    ...validity(now, validSeconds),
    publicKey,
    signingKey: (await webKeys(authority.key)).privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      ...(dns.length > 0 ? [new x509.SubjectAlternativeNameExtension(dns)] : []),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, key };
}

/** A request for a certificate for these DNS names, DER (PKCS #10). @param key PEM, on the curve P-256 */
export async function certificateRequest(key: string, names: readonly string[]): Promise<Uint8Array> {
  const x509 = await loadX509();
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    keys: await webKeys(key),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns" as const, value }))),
    ],
  });
  return new Uint8Array(request.rawData);
}

function validity(now: Date, seconds: number): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: new Date(now.getTime() - BACKDATE_SECONDS * 1000),
    notAfter: new Date(now.getTime() + seconds * 1000),
  };
}

/** Positive, at most 63 bits, never 0 (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(8);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

async function webKeys(privateKey: string): Promise<webcrypto.CryptoKeyPair> {
  const pkcs8 = createPrivateKey(privateKey).export({ type: "pkcs8", format: "der" });
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const [priv, pub] = await Promise.all([
    crypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, false, ["sign"]),
    crypto.subtle.importKey("spki", spki, ALGORITHM, true, ["verify"]),
  ]);
  return { privateKey: priv, publicKey: pub };
}

/**
 * The library is loaded only where a certificate is made: it takes 150 ms. Its
 * dependency tsyringe refuses to start without the reflection calls of the
 * `reflect-metadata` proposal, though the library annotates nothing: answers of
 * "no annotation" are all it needs.
 */
export async function loadX509(): Promise<typeof import("@peculiar/x509")> {
  if (!("getMetadata" in Reflect)) {
    const none = (): undefined => undefined;
    Object.assign(Reflect, { getMetadata: none, getOwnMetadata: none, defineMetadata: none });
  }
  return await import("@peculiar/x509");
}
