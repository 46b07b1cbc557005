/**
 * DNS messages, as far as a zone's records are read and changed: queries,
 * UPDATE (RFC 2136) and their answers. By hand, because the codec that npm has
 * can't write the class NONE nor the empty record that deletes a set.
 */
import { formatAddress, toAddress } from "#base/ipv4.ts";
import type { NameChanges, RecordSet, Removal, SingleRecord } from "#ports/names.ts";
import { decodeName, decodeText, encodeName, encodeText } from "./names.ts";

export const TYPE = { A: 1, SOA: 6, TXT: 16, TSIG: 250, AXFR: 252 } as const;
const CLASS_IN = 1;
const CLASS_NONE = 254;
export const CLASS_ANY = 255;
const OPCODE_UPDATE = 5;
export const HEADER_BYTES = 12;
/** Five numbers after the names of a SOA record, the first being the serial number. */
const SOA_NUMBERS = 20;

/** RFC 1035, 2136 and 8945, by number. */
const RCODES = [
  "NOERROR",
  "FORMERR",
  "SERVFAIL",
  "NXDOMAIN",
  "NOTIMP",
  "REFUSED",
  "YXDOMAIN",
  "YXRRSET",
  "NXRRSET",
  "NOTAUTH",
  "NOTZONE",
] as const;

/** A resource record; its data begins at `at` and ends at `end` of the message. */
export interface RawRecord {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  /** Where the record itself begins. */
  readonly start: number;
  readonly at: number;
  readonly end: number;
}

export interface RawMessage {
  readonly bytes: Buffer;
  readonly id: number;
  readonly isAnswer: boolean;
  /** Cut off, because it did not fit a datagram. */
  readonly truncated: boolean;
  /** Such as `NOERROR`. */
  readonly rcode: string;
  readonly answers: readonly RawRecord[];
  /** All sections but the questions. */
  readonly records: readonly RawRecord[];
}

/** A question about one name. */
export function encodeQuery(id: number, name: string, type: number): Buffer {
  return Buffer.concat([header(id, 0, 1, 0), question(name, type)]);
}

/**
 * An UPDATE of a zone: sets are replaced or removed, all of them or none, and
 * only where the zone's SOA record is this one. As every change gives the zone
 * another serial number, the same message does nothing when it comes again.
 */
export function encodeUpdate(id: number, zone: string, soa: Buffer, changes: NameChanges): Buffer {
  const records = [
    ...changes.remove.map(removal),
    ...changes.replace.flatMap((set) => [removal(set), ...set.values.map((value) => addition(set, value))]),
    ...(changes.drop ?? []).map(dropped),
    ...(changes.add ?? []).map((one) => addition(one, one.value)),
  ];
  return Buffer.concat([
    header(id, OPCODE_UPDATE << 11, 1, records.length, 1),
    question(zone, TYPE.SOA),
    encodeRecord(zone, TYPE.SOA, CLASS_IN, 0, soa),
    ...records,
  ]);
}

function header(id: number, flags: number, questions: number, updates: number, conditions = 0): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  for (const [index, value] of [id, flags, questions, conditions, updates, 0].entries())
    bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

function question(name: string, type: number): Buffer {
  return Buffer.concat([encodeName(name), words(type, CLASS_IN)]);
}

/** "Delete an RRset" (RFC 2136, 2.5.2). */
function removal({ name, type }: Removal): Buffer {
  return encodeRecord(name, TYPE[type], CLASS_ANY, 0, Buffer.alloc(0));
}

/** "Delete an RR from an RRset" (RFC 2136, 2.5.4). */
function dropped({ name, type, value }: SingleRecord): Buffer {
  return encodeRecord(name, TYPE[type], CLASS_NONE, 0, dataOf(type, value));
}

function addition({ name, type, ttl }: Omit<RecordSet, "values">, value: string): Buffer {
  return encodeRecord(name, TYPE[type], CLASS_IN, ttl, dataOf(type, value));
}

function dataOf(type: RecordSet["type"], value: string): Buffer {
  return type === "A" ? addressBytes(value) : encodeText(value);
}

function addressBytes(text: string): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(toAddress(text));
  return bytes;
}

/** One resource record. */
export function encodeRecord(name: string, type: number, klass: number, ttl: number, data: Buffer): Buffer {
  const time = Buffer.alloc(4);
  time.writeUInt32BE(ttl);
  return Buffer.concat([encodeName(name), words(type, klass), time, words(data.length), data]);
}

/** 16-bit numbers, one after the other. */
export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

/** Reads a message; RangeError where it is none. */
export function decodeMessage(bytes: Buffer): RawMessage {
  const flags = bytes.readUInt16BE(2);
  const [questions = 0, answers = 0, authority = 0, additional = 0] = [4, 6, 8, 10].map((at) =>
    bytes.readUInt16BE(at),
  );
  let at = HEADER_BYTES;
  for (let index = 0; index < questions; index += 1) at = decodeName(bytes, at).next + 4;
  const records: RawRecord[] = [];
  for (let index = 0; index < answers + authority + additional; index += 1) {
    const record = decodeRecord(bytes, at);
    records.push(record);
    at = record.end;
  }
  return {
    bytes,
    id: bytes.readUInt16BE(0),
    isAnswer: (flags & 0x8000) !== 0,
    truncated: (flags & 0x0200) !== 0,
    rcode: RCODES[flags & 0xf] ?? `RCODE ${flags & 0xf}`,
    answers: records.slice(0, answers),
    records,
  };
}

function decodeRecord(bytes: Buffer, start: number): RawRecord {
  const { name, next } = decodeName(bytes, start);
  const at = next + 10;
  const end = at + bytes.readUInt16BE(next + 8);
  if (end > bytes.length) throw new RangeError("a record that does not end");
  return {
    name,
    type: bytes.readUInt16BE(next),
    class: bytes.readUInt16BE(next + 2),
    ttl: bytes.readUInt32BE(next + 4),
    start,
    at,
    end,
  };
}

/** The data of the first SOA record of an answer, its names in full; undefined where it has none. */
export function soaIn({ bytes, answers }: RawMessage): Buffer | undefined {
  const soa = answers.find(({ type }) => type === TYPE.SOA);
  if (!soa) return undefined;
  const server = decodeName(bytes, soa.at);
  const mailbox = decodeName(bytes, server.next);
  return Buffer.concat([
    encodeName(server.name),
    encodeName(mailbox.name),
    bytes.subarray(mailbox.next, mailbox.next + SOA_NUMBERS),
  ]);
}

/** The serial number in a SOA record's data. */
export function serialIn(soa: Buffer): number {
  return soa.readUInt32BE(soa.length - SOA_NUMBERS);
}

/** The A and TXT records of several messages, by name and type. */
export function recordSets(messages: readonly RawMessage[]): readonly RecordSet[] {
  const sets = new Map<string, RecordSet & { values: string[] }>();
  for (const { bytes, answers } of messages)
    for (const { name, type, ttl, at, end } of answers) {
      const kind = type === TYPE.A ? "A" : type === TYPE.TXT ? "TXT" : undefined;
      if (!kind) continue;
      const value =
        kind === "A" ? formatAddress(bytes.readUInt32BE(at)) : decodeText(bytes.subarray(at, end));
      const known = sets.get(`${kind} ${name}`);
      if (known) known.values.push(value);
      else sets.set(`${kind} ${name}`, { name, type: kind, ttl, values: [value] });
    }
  return [...sets.values()];
}
