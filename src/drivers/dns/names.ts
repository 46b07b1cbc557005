/** Names and strings as DNS messages have them (RFC 1035, 3.1 and 4.1.4). */

const LONGEST_LABEL = 63;
const LONGEST_NAME = 255;

/** A name as labels with their lengths; RangeError where it is none. */
export function encodeName(name: string): Buffer {
  const labels = name === "" ? [] : name.split(".");
  const parts = labels.map((label) => {
    const bytes = Buffer.from(label.toLowerCase(), "ascii");
    if (bytes.length === 0 || bytes.length > LONGEST_LABEL) throw new RangeError(`no DNS name: ${name}`);
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  });
  const whole = Buffer.concat([...parts, Buffer.from([0])]);
  if (whole.length > LONGEST_NAME) throw new RangeError(`a DNS name that is too long: ${name}`);
  return whole;
}

/** Reads a name, compressed or not; `next` is where what follows it begins. RangeError where there is none. */
export function decodeName(message: Buffer, at: number): { readonly name: string; readonly next: number } {
  const labels: string[] = [];
  let next: number | undefined;
  let position = at;
  // Each pointer must lead further back: so a message can't lead in circles.
  let limit = message.length;
  for (;;) {
    const length = message.readUInt8(position);
    if (length >= 0xc0) {
      next ??= position + 2;
      const target = message.readUInt16BE(position) & 0x3fff;
      if (target >= limit || target >= position) throw new RangeError("a name that points forward");
      position = limit = target;
    } else if (length > LONGEST_LABEL) {
      throw new RangeError("a label of an unknown kind");
    } else if (length === 0) {
      return { name: labels.join("."), next: next ?? position + 1 };
    } else {
      const end = position + 1 + length;
      if (end > message.length) throw new RangeError("a label that does not end");
      labels.push(message.toString("latin1", position + 1, end).toLowerCase());
      position = end;
    }
  }
}

/** A text as character strings of up to 255 bytes each. */
export function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += 255) {
    const piece = bytes.subarray(at, at + 255);
    parts.push(Buffer.from([piece.length]), piece);
  }
  return Buffer.concat(parts);
}

/** The text that character strings make. */
export function decodeText(data: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at < data.length; at += 1 + data.readUInt8(at)) {
    parts.push(data.subarray(at + 1, at + 1 + data.readUInt8(at)));
  }
  return Buffer.concat(parts).toString("utf8");
}
