/** One watch over one connection. */
import {
  type Collection,
  KubeError,
  type KubeObject,
  type WatchEvent,
  type WatchOptions,
  apiPath,
} from "#ports/kube.ts";
import { readEvents } from "./events.ts";
import { refused, refusedInWatch, unreachable, unreadable } from "./failure.ts";
import { queryOf } from "./list.ts";
import type { Transport } from "./transport.ts";

/** Drawn from this span, so that watches opened together do not end together. */
const TIMEOUT_SECONDS = [300, 600] as const;
/** An API server sends a bookmark each minute where it is asked to. */
const IDLE_SECONDS = 90;

export interface WatchGround {
  readonly server: string;
  readonly transport: Transport;
  readonly random: () => number;
  /** Aborted when the client is closed. */
  readonly closed: AbortSignal;
}

/** The watch, with what its caller left open filled in. */
export async function* watchOnce<T extends KubeObject>(
  { server, transport, random, closed }: WatchGround,
  from: Collection<T>,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const [shortest, longest] = TIMEOUT_SECONDS;
  const {
    timeoutSeconds = Math.ceil(shortest + random() * (longest - shortest)),
    idleSeconds = IDLE_SECONDS,
  } = options;
  const path =
    apiPath(from) +
    queryOf(options, {
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: options.resourceVersion,
      timeoutSeconds: String(timeoutSeconds),
    });
  const what = `GET ${path}`;
  const signal = options.signal ? AbortSignal.any([options.signal, closed]) : closed;
  const { status, body } = await transport.stream(path, idleSeconds, signal);
  const events = readEvents<T>();
  try {
    if (status >= 300) throw refused(server, what, { status, text: await body.text() });
    for await (const piece of body) {
      for (const event of events.push(piece)) {
        if (event.type === "error") throw refusedInWatch(server, what, event.status);
        yield event;
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof KubeError) throw error;
    if (error instanceof SyntaxError || error instanceof RangeError)
      throw unreadable(server, what, status, error);
    throw unreachable(server, error);
  }
  if (events.cut) throw unreachable(server, new Error("the watch ended in the middle of an event"));
}
