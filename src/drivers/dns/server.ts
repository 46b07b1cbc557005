/** A zone at a name server that takes signed changes (RFC 2136, RFC 8945); every conversation is signed both ways. */
import { randomInt } from "node:crypto";
import { type PanopticonError, worldFailed } from "#base/errors.ts";
import type { NameServer } from "#ports/names.ts";
import { encodeQuery, encodeUpdate, type RawMessage, recordSets, serialIn, soaIn, TYPE } from "./message.ts";
import { askByTcp, askByUdp, type Endpoint, NoAnswer } from "./transport.ts";
import { readMessage, sign, type TsigKey, verify } from "./tsig.ts";

/** What every way to a server takes unbroken. */
const DATAGRAM_BYTES = 1232;
/** Serial numbers begin and end a transfer. */
const LONGEST_TRANSFER = 10_000;

export interface ServerOptions extends Endpoint {
  readonly name: string;
  readonly zone: string;
  readonly key: TsigKey;
  /** Of each question. */
  readonly timeoutMs: number;
  /** The time of day in seconds, as signatures have it. */
  readonly seconds?: () => number;
}

/**
 * Opens nothing yet. Every call: NAMES_SILENT where no answer comes in time,
 * NAMES_KEY where the server refuses our signature, NAMES_CLOCK where it finds
 * our time wrong, NAMES_FORGED where the answer is not signed with the key,
 * NAMES_CHANGED where somebody else changed the zone at the same moment,
 * NAMES_REFUSED for any other refusal. What anybody is answered is not signed.
 */
export function openNameServer(options: ServerOptions): NameServer {
  const { name, zone } = options;
  return {
    name,
    serial: async () => serialIn(await soaOf(options)),
    records: async () => recordSets(await transfer(options)),
    async update(changes) {
      const { replace, remove, add = [], drop = [] } = changes;
      if (replace.length + remove.length + add.length + drop.length === 0) return;
      await ask(options, encodeUpdate(newId(), zone, await soaOf(options), changes));
    },
    texts: async (asked) => {
      const message = await askPlainly(options, encodeQuery(newId(), asked, TYPE.TXT));
      if (message.rcode === "NXDOMAIN") return [];
      if (message.rcode !== "NOERROR") throw refused(options, `answers ${message.rcode}`, asked);
      return recordSets([message]).flatMap(({ name: at, values }) => (at === asked ? values : []));
    },
  };
}

async function soaOf(options: ServerOptions): Promise<Buffer> {
  const soa = soaIn(await ask(options, encodeQuery(newId(), options.zone, TYPE.SOA)));
  if (!soa) throw refused(options, "gives no SOA record");
  return soa;
}

function newId(): number {
  return randomInt(0x1_0000);
}

function secondsOf({ seconds }: ServerOptions): number {
  return seconds ? seconds() : Math.floor(Date.now() / 1000);
}

/** One question, one answer; by TCP where either of them is large. */
async function ask(options: ServerOptions, question: Buffer): Promise<RawMessage> {
  const { bytes, mac } = sign(question, options.key, secondsOf(options));
  try {
    if (bytes.length <= DATAGRAM_BYTES) {
      const message = checked(options, await askByUdp(options, bytes, options.timeoutMs), mac).message;
      if (!message.truncated) return message;
    }
    let answer: RawMessage | undefined;
    await askByTcp(options, bytes, options.timeoutMs, (piece) => {
      answer = checked(options, piece, mac).message;
      return true;
    });
    return answer as RawMessage;
  } catch (error) {
    throw explained(options, error);
  }
}

/** As anybody asks: no signature, by TCP where the answer is large. */
async function askPlainly(options: ServerOptions, question: Buffer): Promise<RawMessage> {
  try {
    const message = readMessage(await askByUdp(options, question, options.timeoutMs));
    if (!message.truncated) return message;
    let answer = message;
    await askByTcp(options, question, options.timeoutMs, (piece) => {
      answer = readMessage(piece);
      return true;
    });
    return answer;
  } catch (error) {
    throw explained(options, error);
  }
}

/** The whole zone (AXFR), which begins and ends with its SOA record. */
async function transfer(options: ServerOptions): Promise<readonly RawMessage[]> {
  const { bytes, mac } = sign(encodeQuery(newId(), options.zone, TYPE.AXFR), options.key, secondsOf(options));
  const messages: RawMessage[] = [];
  let before = mac;
  let borders = 0;
  try {
    await askByTcp(options, bytes, options.timeoutMs, (piece) => {
      const { message, mac: next } = checked(options, piece, before, messages.length === 0);
      before = next;
      messages.push(message);
      borders += message.answers.filter(({ type }) => type === TYPE.SOA).length;
      if (messages.length > LONGEST_TRANSFER) throw new RangeError("a transfer without an end");
      return borders >= 2;
    });
  } catch (error) {
    throw explained(options, error);
  }
  return messages;
}

/** The answer, where it is signed by who knows the key and says that all is well. */
function checked(
  options: ServerOptions,
  bytes: Buffer,
  before: Buffer,
  first = true,
): { readonly message: RawMessage; readonly mac: Buffer } {
  const message = readMessage(bytes);
  const verdict = verify(message, options.key, before, secondsOf(options), first);
  switch (verdict.kind) {
    case "good":
      // The update was for the zone as it was before; see encodeUpdate.
      if (message.rcode === "NXRRSET") throw changed(options);
      if (message.rcode !== "NOERROR") throw refused(options, `answers ${message.rcode}`);
      return { message, mac: verdict.mac };
    case "refused":
      throw complaint(options, verdict.error);
    case "expired":
      throw complaint(options, "BADTIME");
    case "unsigned":
      // Whoever stands between may say so as well: it is believed no more than a silence.
      if (message.rcode !== "NOERROR")
        throw refused(options, `answers ${message.rcode}, which it has not signed`);
      throw forged(options, "its answer is not signed");
    case "bad":
      throw forged(options, "its answer is not signed with the key");
  }
}

function where({ name, address, port }: ServerOptions): string {
  return `the name server ${name} at ${address}:${port}`;
}

function complaint(options: ServerOptions, error: string): PanopticonError {
  if (error === "BADTIME")
    return worldFailed(
      "NAMES_CLOCK",
      `${where(options)} and this machine differ by more than five minutes in the time of day`,
      "Set the clocks of both.",
    );
  return worldFailed(
    "NAMES_KEY",
    `${where(options)} does not take the key ${options.key.name} (${error})`,
    "Bring the site's key to both ends again: panopticon lab up, or apply.",
  );
}

function forged(options: ServerOptions, why: string): PanopticonError {
  return worldFailed(
    "NAMES_FORGED",
    `what answers for ${where(options)} is not to be trusted: ${why}`,
    "See who else answers at that address.",
  );
}

function changed(options: ServerOptions): PanopticonError {
  return worldFailed(
    "NAMES_CHANGED",
    `${where(options)} took another change of ${options.zone} at the same moment`,
    "Try again.",
  );
}

function refused(options: ServerOptions, why: string, asked = options.zone): PanopticonError {
  return worldFailed(
    "NAMES_REFUSED",
    `${where(options)} ${why}, asked about ${asked}`,
    "Its log says why: journalctl -u knot.",
  );
}

/** What the network or the format said, in our words; our own errors as they are. */
function explained(options: ServerOptions, error: unknown): Error {
  if (error instanceof NoAnswer)
    return worldFailed(
      "NAMES_SILENT",
      `${where(options)} gives no answer within ${options.timeoutMs} ms`,
      "See whether it runs: systemctl status knot.",
      error,
    );
  if (error instanceof RangeError) return forged(options, `its answer can't be read (${error.message})`);
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error as Error;
  return worldFailed(
    "NAMES_SILENT",
    `${where(options)} can't be asked (${code})`,
    "See whether it runs: systemctl status knot.",
    error,
  );
}
