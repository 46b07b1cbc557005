/**
 * A secret that only the holder of an SSH key opens again. The key to it comes
 * from that key's signature of a salt, which is the same each time (Ed25519,
 * RFC 8032), so that nothing but the SSH key has to be kept. An agent may sign.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { z } from "zod";
import { worldFailed } from "#base/errors.ts";
import { runProcess } from "#base/process.ts";

const SEALED = z.strictObject({
  version: z.literal(1),
  /** The public key's blob; base64, as are all that follow. */
  recipient: z.string(),
  salt: z.string(),
  nonce: z.string(),
  tag: z.string(),
  data: z.string(),
});

const NAMESPACE = "sealed-state@panopticon";
const CIPHER = "aes-256-gcm";
/** Without a terminal there is nobody to be asked. */
const NO_QUESTIONS = ["setsid", "--wait"];
const ED25519 = "ssh-ed25519";

/**
 * @param identity path of the private key. ADOPT_KEY (exit 3) where it can't sign, or
 * signs differently each time.
 */
export async function seal(secret: string, identity: string): Promise<string> {
  const salt = randomBytes(32);
  const { key, recipient } = await keyOf(identity, salt);
  const again = await keyOf(identity, salt);
  if (!key.equals(again.key)) throw keyFailed(identity, "it signs differently each time");
  const nonce = randomBytes(12);
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(Buffer.from(recipient, "base64"));
  const data = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
  const sealed = {
    version: 1,
    recipient,
    salt: salt.toString("base64"),
    nonce: nonce.toString("base64"),
    tag: cipher.getAuthTag().toString("base64"),
    data: data.toString("base64"),
  };
  return `${JSON.stringify(sealed)}\n`;
}

/** ADOPT_SEALED (exit 3) where it was sealed for another key, or is spoilt; ADOPT_KEY as `seal`. */
export async function unseal(text: string, identity: string): Promise<string> {
  const { recipient, salt, nonce, tag, data } = readSealed(text);
  const own = await keyOf(identity, Buffer.from(salt, "base64"));
  if (own.recipient !== recipient) throw sealedFailed(identity);
  try {
    const decipher = createDecipheriv(CIPHER, own.key, Buffer.from(nonce, "base64"), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(recipient, "base64"));
    decipher.setAuthTag(Buffer.from(tag, "base64"));
    return decipher.update(Buffer.from(data, "base64"), undefined, "utf8") + decipher.final("utf8");
  } catch {
    throw sealedFailed(identity);
  }
}

/** Whether this key opens it, by the recipient that stands on it. */
export async function isSealedFor(text: string, identity: string): Promise<boolean> {
  const { recipient, salt } = readSealed(text);
  return (await keyOf(identity, Buffer.from(salt, "base64"))).recipient === recipient;
}

function readSealed(text: string): z.infer<typeof SEALED> {
  try {
    return SEALED.parse(JSON.parse(text));
  } catch {
    throw worldFailed("ADOPT_SEALED", "the sealed operator's key is not what `apply` writes.");
  }
}

async function keyOf(identity: string, salt: Buffer): Promise<{ key: Buffer; recipient: string }> {
  // A passphrase is never asked for in the middle of a run: an agent has it, or it fails.
  const argv = [...NO_QUESTIONS, "ssh-keygen", "-Y", "sign", "-q", "-n", NAMESPACE, "-f", identity];
  const { code, stdout, stderr } = await runProcess(argv, salt);
  if (code !== 0) throw keyFailed(identity, stderr.trim().split("\n").at(-1) ?? "");
  const blob = Buffer.from(stdout.replaceAll(/-----[A-Z ]+-----/g, ""), "base64");
  const recipient = publicKeyIn(blob);
  if (typeOf(recipient) !== ED25519) {
    throw keyFailed(identity, `it is of the kind ${typeOf(recipient)}, where ${ED25519} is wanted`);
  }
  const key = Buffer.from(hkdfSync("sha256", blob, salt, NAMESPACE, 32));
  return { key, recipient: recipient.toString("base64") };
}

/** PROTOCOL.sshsig: "SSHSIG", a version, then the public key as a string. */
function publicKeyIn(blob: Buffer): Buffer {
  const start = "SSHSIG".length + 4;
  return blob.subarray(start + 4, start + 4 + blob.readUInt32BE(start));
}

function typeOf(publicKey: Buffer): string {
  return publicKey.subarray(4, 4 + publicKey.readUInt32BE(0)).toString("ascii");
}

function keyFailed(identity: string, why: string) {
  return worldFailed(
    "ADOPT_KEY",
    `${identity} can't seal or open what the sites keep: ${why || "ssh-keygen says nothing"}.`,
    "An Ed25519 key is wanted (`ssh-keygen -t ed25519`), without a passphrase or in your SSH agent: --identity FILE",
  );
}

function sealedFailed(identity: string) {
  return worldFailed(
    "ADOPT_SEALED",
    `the operator's key was sealed for another SSH key than ${identity}, or is spoilt.`,
    "Name the key that `apply` was given: --identity FILE",
  );
}
