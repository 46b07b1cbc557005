/**
 * Requests to one API server address over kept connections. A request is tried
 * again only where the server cannot have acted on it, or where acting on it
 * twice is the same as once.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, type Dispatcher } from "undici";
import type { RawAnswer, RequestOptions } from "#ports/kube.ts";
import { unreachable } from "./failure.ts";

const TRIES = 5;
const FIRST_PAUSE_SECONDS = 0.1;
const LONGEST_PAUSE_SECONDS = 5;
const REQUEST_SECONDS = 30;
const CONNECT_SECONDS = 5;
const CONNECTIONS = 16;

export interface KubeSettings {
  /** Such as `https://10.11.0.5:6443`. */
  readonly server: string;
  /** PEM of the authority the server's certificate must come from. */
  readonly authority: string;
  /** Our certificate and key, PEM. */
  readonly client: { readonly certificate: string; readonly key: string };
  /** The name the server's certificate must carry, where it is not the server's own address. */
  readonly servername?: string;
}

export interface KubeRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly contentType?: string;
  readonly body?: unknown;
  /** Doing it twice is the same as doing it once. */
  readonly repeatable: boolean;
}

export interface Transport {
  /** The server's answer, whatever its status; a KubeError where there is none. */
  send(request: KubeRequest, options?: RequestOptions): Promise<RawAnswer>;
  close(): Promise<void>;
}

export function openTransport(settings: KubeSettings): Transport {
  const { server, authority, client, servername } = settings;
  const agent = new Agent({
    // HTTP/2 in undici 8 mishandles GOAWAY, which API servers send to spread their load.
    allowH2: false,
    connections: CONNECTIONS,
    connectTimeout: CONNECT_SECONDS * 1000,
    connect: {
      ca: authority,
      cert: client.certificate,
      key: client.key,
      ...(servername !== undefined && { servername }),
    },
  });
  return {
    send: (request, options = {}) => sendWithRetries(agent, server, request, options),
    close: () => agent.close(),
  };
}

async function sendWithRetries(
  agent: Agent,
  server: string,
  request: KubeRequest,
  options: RequestOptions,
): Promise<RawAnswer> {
  for (let tried = 1; ; tried += 1) {
    const outcome = await sendOnce(agent, server, request, options);
    const last = tried === TRIES;
    if ("answer" in outcome) {
      if (last || !isRefusal(outcome, request)) return outcome.answer;
    } else {
      options.signal?.throwIfAborted();
      if (last || !(request.repeatable || neverSent(outcome.error))) throw unreachable(server, outcome.error);
    }
    const pause = pauseSeconds(tried, outcome.retryAfter) * 1000;
    await sleep(pause, undefined, options.signal && { signal: options.signal }).catch(() => undefined);
    options.signal?.throwIfAborted();
  }
}

type Outcome =
  | { readonly answer: RawAnswer; readonly retryAfter: number | undefined }
  | { readonly error: unknown; readonly retryAfter?: undefined };

async function sendOnce(
  agent: Agent,
  server: string,
  { method, path, body, contentType = "application/json" }: KubeRequest,
  options: RequestOptions,
): Promise<Outcome> {
  const late = AbortSignal.timeout((options.timeoutSeconds ?? REQUEST_SECONDS) * 1000);
  const request: Dispatcher.RequestOptions = {
    origin: server,
    path,
    method,
    headers: { accept: "application/json", ...(body !== undefined && { "content-type": contentType }) },
    body: body === undefined ? null : JSON.stringify(body),
    signal: options.signal ? AbortSignal.any([options.signal, late]) : late,
  };
  try {
    const { statusCode, headers, body: answer } = await agent.request(request);
    const retryAfter = Number(headers["retry-after"]);
    return {
      answer: { status: statusCode, text: await answer.text() },
      retryAfter: Number.isFinite(retryAfter) ? retryAfter : undefined,
    };
  } catch (error) {
    return { error };
  }
}

/** 429 with Retry-After is said before anything is done; 503 may come from halfway. */
function isRefusal(
  { answer, retryAfter }: Outcome & { readonly answer: RawAnswer },
  request: KubeRequest,
): boolean {
  if (answer.status === 429) return retryAfter !== undefined;
  return answer.status === 503 && request.repeatable;
}

function neverSent(error: unknown): boolean {
  const codes = ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"];
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** What the server asks for, else doubling; with up to a quarter more, so that many clients do not come back at once. */
function pauseSeconds(tried: number, retryAfter: number | undefined): number {
  const wanted = retryAfter ?? FIRST_PAUSE_SECONDS * 2 ** (tried - 1);
  return Math.min(wanted, LONGEST_PAUSE_SECONDS) * (1 + Math.random() / 4);
}
