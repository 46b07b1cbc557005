/** Transaction signatures (RFC 8945) with HMAC-SHA256: who sent a message, unchanged, and when. */
import { createHmac, timingSafeEqual } from "node:crypto";
import {
  CLASS_ANY,
  decodeMessage,
  encodeRecord,
  HEADER_BYTES,
  type RawMessage,
  TYPE,
  words,
} from "./message.ts";
import { decodeName, encodeName } from "./names.ts";

const ALGORITHM = "hmac-sha256";
/** Seconds by which the clocks of both ends may differ. */
const FUDGE = 300;

export interface TsigKey {
  readonly name: string;
  readonly secret: Buffer;
}

/** RFC 8945, 3: what a server says was wrong. */
const ERRORS: Readonly<Record<number, string>> = {
  16: "BADSIG",
  17: "BADKEY",
  18: "BADTIME",
  22: "BADTRUNC",
};

export interface Signed {
  readonly bytes: Buffer;
  /** What the answer's signature covers, too. */
  readonly mac: Buffer;
}

/** Signs a message that has no additional record yet. */
export function sign(message: Buffer, key: TsigKey, seconds: number): Signed {
  const times = timers(seconds, FUDGE);
  const mac = digest(key, [message, variables(key, times, 0, Buffer.alloc(0))]);
  const bytes = Buffer.concat([message, tsigRecord(key, times, mac, message.readUInt16BE(0))]);
  bytes.writeUInt16BE(1, 10);
  return { bytes, mac };
}

function tsigRecord(key: TsigKey, times: Buffer, mac: Buffer, id: number): Buffer {
  const data = Buffer.concat([encodeName(ALGORITHM), times, words(mac.length), mac, words(id, 0, 0)]);
  return encodeRecord(key.name, TYPE.TSIG, CLASS_ANY, 0, data);
}

/** What was found: fine, not signed at all, signed by somebody else, too old, or the server's own complaint. */
export type Verdict =
  | { readonly kind: "good"; readonly mac: Buffer }
  | { readonly kind: "unsigned" | "bad" | "expired" }
  | { readonly kind: "refused"; readonly error: string };

/**
 * Verifies an answer. @param before the MAC of the question, or of the message
 * before it in a transfer of several. @param first whether it is the first answer
 */
export function verify(
  message: RawMessage,
  key: TsigKey,
  before: Buffer,
  seconds: number,
  first = true,
): Verdict {
  const tsig = readTsig(message);
  if (!tsig) return { kind: "unsigned" };
  // A server that can't verify the question does not sign its complaint.
  if (tsig.mac.length === 0) return { kind: "refused", error: ERRORS[tsig.error] ?? `error ${tsig.error}` };
  if (tsig.name !== key.name || tsig.algorithm !== ALGORITHM) return { kind: "bad" };
  const plain = Buffer.from(message.bytes.subarray(0, tsig.start));
  plain.writeUInt16BE(message.bytes.readUInt16BE(10) - 1, 10);
  plain.writeUInt16BE(tsig.id, 0);
  const covered = first ? variables(key, tsig.times, tsig.error, tsig.other) : tsig.times;
  const expected = digest(key, [words(before.length), before, plain, covered]);
  if (expected.length !== tsig.mac.length || !timingSafeEqual(expected, tsig.mac)) return { kind: "bad" };
  if (tsig.error !== 0) return { kind: "refused", error: ERRORS[tsig.error] ?? `error ${tsig.error}` };
  if (Math.abs(seconds - tsig.seconds) > tsig.fudge) return { kind: "expired" };
  return { kind: "good", mac: tsig.mac };
}

interface Tsig {
  readonly start: number;
  readonly name: string;
  readonly algorithm: string;
  readonly times: Buffer;
  readonly seconds: number;
  readonly fudge: number;
  readonly mac: Buffer;
  readonly id: number;
  readonly error: number;
  readonly other: Buffer;
}

/** It must be the last record of all. */
function readTsig({ bytes, records }: RawMessage): Tsig | undefined {
  const last = records.at(-1);
  if (last?.type !== TYPE.TSIG || last.end !== bytes.length) return undefined;
  const { name: algorithm, next } = decodeName(bytes, last.at);
  const size = bytes.readUInt16BE(next + 8);
  const after = next + 10 + size;
  return {
    start: last.start,
    name: last.name,
    algorithm,
    times: bytes.subarray(next, next + 8),
    seconds: bytes.readUIntBE(next, 6),
    fudge: bytes.readUInt16BE(next + 6),
    mac: bytes.subarray(next + 10, after),
    id: bytes.readUInt16BE(after),
    error: bytes.readUInt16BE(after + 2),
    other: bytes.subarray(after + 6, after + 6 + bytes.readUInt16BE(after + 4)),
  };
}

function timers(seconds: number, fudge: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUIntBE(seconds, 0, 6);
  bytes.writeUInt16BE(fudge, 6);
  return bytes;
}

function variables(key: TsigKey, times: Buffer, error: number, other: Buffer): Buffer {
  return Buffer.concat([
    encodeName(key.name),
    words(CLASS_ANY, 0, 0),
    encodeName(ALGORITHM),
    times,
    words(error, other.length),
    other,
  ]);
}

function digest(key: TsigKey, parts: readonly Buffer[]): Buffer {
  const hmac = createHmac("sha256", key.secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** A message that was not changed on its way: the header at least is whole. RangeError where it is none. */
export function readMessage(bytes: Buffer): RawMessage {
  if (bytes.length < HEADER_BYTES) throw new RangeError("shorter than a header");
  return decodeMessage(bytes);
}
