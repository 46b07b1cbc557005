/** Who said a word: signed with a voter's key, by a certificate of the federation's own authority that names the voter. */
import { createPrivateKey, type KeyObject, sign, verify, X509Certificate } from "node:crypto";
import { stableJson } from "#base/hash.ts";
import type { Said, Word } from "./words.ts";

/** One voter's certificate is asked about each second. */
const REMEMBERED = 1000;

export interface Signer {
  sign(said: Said): Omit<Word, "ageMs">;
  /** Whether the voter that a word names has signed it. */
  genuine(word: Word): boolean;
}

/** All PEM. Throws where a key or certificate can't be read. */
export function openSigner(authority: string, certificate: string, key: string): Signer {
  const own = createPrivateKey(key);
  const root = new X509Certificate(authority);
  const keys = new Map<string, { readonly voter: string; readonly key: KeyObject } | undefined>();
  const keyOf = (pem: string) => {
    if (!keys.has(pem)) {
      if (keys.size >= REMEMBERED) keys.clear();
      keys.set(pem, read(pem, root));
    }
    return keys.get(pem);
  };
  return {
    sign: (said) => ({
      said,
      signature: sign("sha256", bytesOf(said), own).toString("base64"),
      certificate,
    }),
    genuine({ said, signature, certificate: shown }) {
      const known = keyOf(shown);
      return (
        known?.voter === said.voter &&
        verify("sha256", bytesOf(said), known.key, Buffer.from(signature, "base64"))
      );
    },
  };
}

/** The name that a certificate of a voter is made out to. */
export function voterOf(certificate: X509Certificate): string | undefined {
  return /^CN=(.+)$/m.exec(certificate.subject)?.[1];
}

function read(pem: string, root: X509Certificate): { voter: string; key: KeyObject } | undefined {
  try {
    const certificate = new X509Certificate(pem);
    const voter = voterOf(certificate);
    const ours = certificate.verify(root.publicKey);
    return ours && voter !== undefined ? { voter, key: certificate.publicKey } : undefined;
  } catch {
    return undefined;
  }
}

function bytesOf(said: Said): Buffer {
  return Buffer.from(stableJson(said));
}
