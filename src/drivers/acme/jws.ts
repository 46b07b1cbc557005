/** Signed requests as ACME has them: flattened JWS with ES256 (RFC 7515, RFC 8555 section 6.2). */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";

export interface AccountKey {
  readonly key: KeyObject;
  /** The public part, its members in the order that the thumbprint wants (RFC 7638). */
  readonly jwk: { readonly crv: string; readonly kty: string; readonly x: string; readonly y: string };
}

export interface Jws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** An account's key from PEM; it is of the curve P-256. */
export function accountKey(pem: string): AccountKey {
  const { crv = "", kty = "", x = "", y = "" } = createPublicKey(pem).export({ format: "jwk" });
  return { key: createPrivateKey(pem), jwk: { crv, kty, x, y } };
}

/** What a TXT record says to prove a name: RFC 8555, section 8.4. */
export function proofText(token: string, { jwk }: AccountKey): string {
  const thumbprint = createHash("sha256").update(JSON.stringify(jwk)).digest("base64url");
  return createHash("sha256").update(`${token}.${thumbprint}`).digest("base64url");
}

/**
 * Signs a request. @param account its URL, where there is one by now
 * @param payload undefined for a request that only reads (POST-as-GET)
 */
export function signed(
  { key, jwk }: AccountKey,
  at: { readonly url: string; readonly nonce: string; readonly account?: string | undefined },
  payload: unknown,
): Jws {
  const { url, nonce, account } = at;
  const who = account === undefined ? { jwk } : { kid: account };
  const head = encode({ alg: "ES256", ...who, nonce, url });
  const body = payload === undefined ? "" : encode(payload);
  const signature = sign("sha256", Buffer.from(`${head}.${body}`), { key, dsaEncoding: "ieee-p1363" });
  return { protected: head, payload: body, signature: signature.toString("base64url") };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
