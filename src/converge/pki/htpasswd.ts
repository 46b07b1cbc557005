/**
 * A line of htpasswd(1) in Apache's own format (apr1), which Traefik reads and
 * which is quick to check, as is wanted of what guards every picture of a panel.
 * It need not be slow: our passwords are 192 random bits, which nobody tries.
 */
import { createHash } from "node:crypto";

const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `user:hash`; the salt comes from the password, so that the same line is made each time. */
export function panelUserLine(user: string, password: string): string {
  const salt = createHash("sha256").update(`panopticon/panels/${password}`).digest("hex").slice(0, 8);
  return `${user}:${apr1(password, salt)}\n`;
}

/** The hash that `openssl passwd -apr1` makes. */
export function apr1(password: string, salt: string): string {
  const key = Buffer.from(password);
  const mark = Buffer.from(`$apr1$${salt}`);
  const inner = md5(key, Buffer.from(salt), key);
  const parts: Buffer[] = [key, mark];
  for (let left = key.length; left > 0; left -= 16) parts.push(inner.subarray(0, Math.min(16, left)));
  for (let bits = key.length; bits > 0; bits >>= 1)
    parts.push(bits & 1 ? Buffer.from([0]) : key.subarray(0, 1));
  let digest = md5(...parts);
  for (let round = 0; round < 1000; round++) {
    digest = md5(
      round & 1 ? key : digest,
      ...(round % 3 ? [Buffer.from(salt)] : []),
      ...(round % 7 ? [key] : []),
      round & 1 ? digest : key,
    );
  }
  return `${mark.toString()}$${encode(digest)}`;
}

function md5(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Three bytes at a time, in an order of its own, six bits a letter, the lowest first. */
function encode(digest: Buffer): string {
  const at = (index: number): number => digest[index] ?? 0;
  const groups = [0, 1, 2, 3, 4].map((index) => {
    const third = index === 4 ? 5 : index + 12;
    return letters((at(index) << 16) | (at(index + 6) << 8) | at(third), 4);
  });
  return groups.join("") + letters(at(11), 2);
}

function letters(value: number, count: number): string {
  return Array.from({ length: count }, (_, index) => ALPHABET[(value >> (6 * index)) & 63]).join("");
}
