/** The text of a watch, cut into events: one JSON object a line, in pieces cut anywhere. */
import { Buffer } from "node:buffer";
import type { KubeObject, WatchEvent } from "#ports/kube.ts";

const NEWLINE = 0x0a;
/** Far above the largest object that an API server keeps (etcd takes 1.5 MiB unless told otherwise). */
const LONGEST_LINE_BYTES = 64 * 1024 * 1024;

/** What the server says went wrong (meta/v1 Status), as the object of an ERROR event. */
export interface StatusObject {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

export type StreamEvent<T> = WatchEvent<T> | { readonly type: "error"; readonly status: StatusObject };

export interface EventReader<T> {
  /** The events that end in this piece. Throws a SyntaxError or RangeError where the text is no watch. */
  push(piece: Uint8Array): StreamEvent<T>[];
  /** Whether the text ended in the middle of an event. */
  readonly cut: boolean;
}

/** Bytes are cut at newlines before they become text, so no character is ever halved. */
export function readEvents<T extends KubeObject>(): EventReader<T> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  return {
    get cut() {
      return pendingBytes > 0;
    },
    push(piece) {
      const events: StreamEvent<T>[] = [];
      let start = 0;
      for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
        pending.push(piece.subarray(start, end));
        const line = textOf(pending);
        pending = [];
        pendingBytes = 0;
        start = end + 1;
        if (line.trim() !== "") events.push(parseEvent<T>(line));
      }
      if (start < piece.length) pending.push(piece.subarray(start));
      pendingBytes += piece.length - start;
      if (pendingBytes > LONGEST_LINE_BYTES) throw new RangeError("an event is too long");
      return events;
    },
  };
}

function textOf(pieces: readonly Uint8Array[]): string {
  const [first] = pieces;
  const whole = pieces.length === 1 && first ? first : Buffer.concat(pieces);
  return Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength).toString("utf8");
}

const CHANGES: Readonly<Record<string, "added" | "modified" | "deleted">> = {
  ADDED: "added",
  MODIFIED: "modified",
  DELETED: "deleted",
};

function parseEvent<T extends KubeObject>(line: string): StreamEvent<T> {
  const { type, object } = JSON.parse(line) as { type?: string; object?: T };
  const change = CHANGES[type ?? ""];
  if (change && object?.metadata) return { type: change, object };
  if (type === "BOOKMARK" && object?.metadata) {
    return { type: "bookmark", resourceVersion: object.metadata.resourceVersion ?? "" };
  }
  if (type === "ERROR") return { type: "error", status: (object ?? {}) as StatusObject };
  throw new SyntaxError(`an event of type ${JSON.stringify(type)}`);
}
