/**
 * Sealing a credential to a site's public key: X25519 with a key of its own
 * for each message, HKDF-SHA-256, AES-256-GCM. Whoever stores or mirrors what
 * is sealed learns nothing from it.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { PanopticonError } from "#base/errors.ts";
import { sha256 } from "#base/hash.ts";

/** Raw X25519 keys in base64url. */
export interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** From whom, for whom: what is sealed for one way is refused on another. */
export interface Way {
  readonly from: string;
  readonly to: string;
}

const VERSION = "v1";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CURVE = { kty: "OKP", crv: "X25519" } as const;

export function newKeys(): KeyPair {
  const { x = "", d = "" } = generateKeyPairSync("x25519").privateKey.export({ format: "jwk" });
  return { publicKey: x, privateKey: d };
}

/** Short enough to be read out, long enough that nobody finds another key for it by chance. */
export function fingerprint(publicKey: string): string {
  return sha256(publicKey).slice(0, 16);
}

/** Only the holder of the private key of `publicKey` can read the text. */
export function seal(text: string, publicKey: string, way: Way): string {
  const once = newKeys();
  const key = sharedKey(once, publicKey, once.publicKey, publicKey);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(bound(way));
  const box = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return [VERSION, once.publicKey, nonce.toString("base64url"), box.toString("base64url")].join(".");
}

/** The text again; FEDERATION_SEAL where it was sealed to another key, for another way, or was changed. */
export function unseal(sealed: string, keys: KeyPair, way: Way): string {
  try {
    const [version, sender = "", nonce = "", box = ""] = sealed.split(".");
    if (version !== VERSION) throw new Error(`it is of version ${version}`);
    const bytes = Buffer.from(box, "base64url");
    const key = sharedKey(keys, sender, sender, keys.publicKey);
    const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64url"), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(bound(way)).setAuthTag(bytes.subarray(-TAG_BYTES));
    return decipher.update(bytes.subarray(0, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
  } catch (cause) {
    const message = `the credential that ${way.from} gave to ${way.to} can't be opened with this site's key`;
    const hint = "A new one is given as soon as the agents of both sites reach the hub.";
    throw new PanopticonError([{ code: "FEDERATION_SEAL", message, hint }], 3, { cause });
  }
}

function sharedKey(own: KeyPair, other: string, sender: string, receiver: string): Buffer {
  const secret = diffieHellman({ privateKey: privateOf(own), publicKey: publicOf(other) });
  const info = `panopticon sealed access ${VERSION} ${sender} ${receiver}`;
  return Buffer.from(hkdfSync("sha256", secret, "", info, 32));
}

function bound({ from, to }: Way): Buffer {
  return Buffer.from(JSON.stringify([from, to]));
}

function publicOf(publicKey: string): KeyObject {
  return createPublicKey({ key: { ...CURVE, x: publicKey }, format: "jwk" });
}

function privateOf({ publicKey, privateKey }: KeyPair): KeyObject {
  return createPrivateKey({ key: { ...CURVE, x: publicKey, d: privateKey }, format: "jwk" });
}
