/** The key that signs the federation's zone, and what the zone above has to say of it (DNSSEC). */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { worldFailed } from "#base/errors.ts";
import { ZONE_KEY_PATH } from "#render/ecam/signing.ts";
import type { RenderedFile } from "#render/files.ts";
import { createOnce, readIfThere } from "./store.ts";

/** DNSKEY's numbers: a key that signs keys too (RFC 4034 2.1), ECDSA P-256 (RFC 6605), SHA-256 (RFC 4509). */
const FLAGS = 257;
const PROTOCOL = 3;
const ALGORITHM = 13;
const DIGEST_TYPE = 2;

/** What the registrar asks for. */
export interface DelegationSigner {
  readonly keyTag: number;
  readonly algorithm: number;
  readonly digestType: number;
  /** Hexadecimal. */
  readonly digest: string;
  /** The key itself in base64; some registrars take it and count the digest themselves. */
  readonly publicKey: string;
}

/** The key as the name servers get it; made where it is missing, never replaced. */
export async function zoneKeyFile(dir: string): Promise<RenderedFile> {
  const made = () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return createOnce(keyPath(dir), privateKey.export({ type: "pkcs8", format: "pem" }) as string);
  };
  const content = (await readIfThere(keyPath(dir))) ?? (await made());
  return { path: ZONE_KEY_PATH, content, mode: 0o600 };
}

/** The DS record's parts, where the key is there; nothing is made. Errors: PKI_UNREADABLE where the file holds none. */
export async function presentDelegationSigner(
  dir: string,
  domain: string,
): Promise<DelegationSigner | undefined> {
  const path = keyPath(dir);
  const pem = await readIfThere(path);
  if (pem === undefined) return undefined;
  try {
    return delegationSigner(pem, domain);
  } catch {
    throw worldFailed(
      "PKI_UNREADABLE",
      `${path} holds no key on the curve P-256`,
      "bring it back from a backup",
    );
  }
}

/** @param pem the private key */
export function delegationSigner(pem: string, domain: string): DelegationSigner {
  const { crv, x, y } = createPublicKey(createPrivateKey(pem)).export({ format: "jwk" });
  if (crv !== "P-256" || !x || !y) throw new RangeError("another curve");
  const publicKey = Buffer.concat([Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  const data = Buffer.concat([Buffer.from([FLAGS >> 8, FLAGS & 0xff, PROTOCOL, ALGORITHM]), publicKey]);
  return {
    keyTag: keyTag(data),
    algorithm: ALGORITHM,
    digestType: DIGEST_TYPE,
    digest: createHash("sha256").update(wireName(domain)).update(data).digest("hex"),
    publicKey: publicKey.toString("base64"),
  };
}

/** RFC 4034, appendix B. */
function keyTag(data: Buffer): number {
  let sum = 0;
  for (const [index, byte] of data.entries()) sum += index % 2 === 0 ? byte << 8 : byte;
  return (sum + (sum >>> 16)) & 0xffff;
}

/** Labels with their lengths, in lower case, and the root's empty one (RFC 4034 6.2). */
function wireName(domain: string): Buffer {
  const labels = domain.toLowerCase().split(".");
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "ascii")])),
    Buffer.of(0),
  ]);
}

function keyPath(dir: string): string {
  return join(dir, "zone-key.pem");
}
