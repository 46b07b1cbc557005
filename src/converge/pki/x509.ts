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

/** A self-signed authority's certificate for `key` (PEM), valid ten years from `now`. */
export async function authorityCertificate(commonName: string, key: string, now: Date): Promise<string> {
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
      new x509.SubjectAlternativeNameExtension([{ type: "dns", value: commonName }]),
    ],
  });
  return `${certificate.toString("pem")}\n`;
}

/**
 * A client certificate with a new key, signed by `authority`, valid from five
 * minutes before `now` (clocks differ) until `validSeconds` after it.
 */
export async function clientCertificate(
  authority: KeyedCertificate,
  subject: ClientSubject,
  validSeconds: number,
  now: Date,
): Promise<KeyedCertificate> {
  const x509 = await loadX509();
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
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, key };
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
async function loadX509(): Promise<typeof import("@peculiar/x509")> {
  if (!("getMetadata" in Reflect)) {
    const none = (): undefined => undefined;
    Object.assign(Reflect, { getMetadata: none, getOwnMetadata: none, defineMetadata: none });
  }
  return await import("@peculiar/x509");
}
