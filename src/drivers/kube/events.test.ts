import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readEvents, type StreamEvent } from "./events.ts";

const TYPES = { added: "ADDED", modified: "MODIFIED", deleted: "DELETED" } as const;
const event = fc.oneof(
  fc.record({
    type: fc.constantFrom("added", "modified", "deleted"),
    object: fc.record({ metadata: fc.record({ name: fc.string({ unit: "grapheme" }) }) }),
  }),
  fc.record({ type: fc.constant("bookmark"), resourceVersion: fc.string({ minLength: 1 }) }),
) as fc.Arbitrary<StreamEvent<object>>;

function lineOf(one: StreamEvent<object>): string {
  if (one.type === "bookmark") {
    return JSON.stringify({
      type: "BOOKMARK",
      object: { metadata: { resourceVersion: one.resourceVersion } },
    });
  }
  if (one.type === "error") return JSON.stringify({ type: "ERROR", object: one.status });
  return JSON.stringify({ type: TYPES[one.type], object: one.object });
}

/** The bytes in pieces that end wherever the numbers say, characters halved or not. */
function cut(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

describe("a watch's text", () => {
  it("gives the same events wherever it is cut", () => {
    fc.assert(
      fc.property(fc.array(event), fc.array(fc.nat(), { maxLength: 40 }), (events, places) => {
        const bytes = Buffer.from(events.map((one) => `${lineOf(one)}\n`).join(""));
        const reader = readEvents();
        expect(cut(bytes, places).flatMap((piece) => reader.push(piece))).toEqual(events);
        expect(reader.cut).toBe(false);
      }),
    );
  });

  it("halves no character, byte by byte", () => {
    const line = lineOf({ type: "added", object: { metadata: { name: "é🙂漢" } } });
    const reader = readEvents();
    const events = [...Buffer.from(`${line}\n`)].flatMap((byte) => reader.push(Uint8Array.of(byte)));
    expect(events).toEqual([{ type: "added", object: { metadata: { name: "é🙂漢" } } }]);
  });

  it("that ends in the middle of an event says so", () => {
    const reader = readEvents();
    expect(reader.push(Buffer.from('{"type":"ADDED"'))).toEqual([]);
    expect(reader.cut).toBe(true);
  });

  it("tells errors as the server's Status, and is refused where it is no watch", () => {
    const status = { kind: "Status", code: 410, reason: "Expired", message: "too old" };
    const text = `${JSON.stringify({ type: "ERROR", object: status })}\n`;
    expect(readEvents().push(Buffer.from(text))).toEqual([{ type: "error", status }]);
    expect(() => readEvents().push(Buffer.from("<html>\n"))).toThrow(SyntaxError);
    expect(() => readEvents().push(Buffer.from('{"type":"NEW","object":{}}\n'))).toThrow("NEW");
  });
});
