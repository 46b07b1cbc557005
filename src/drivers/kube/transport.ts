/**
 * Requests to one API server address over kept connections. A request is tried
 * again only where the server cannot have acted on it, or where acting on it
 * twice is the same as once.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createSecureContext, type SecureContext } from "node:tls";
import { Agent, type Dispatcher } from "undici";
import { KubeError, type RawAnswer, type RequestOptions } from "#ports/kube.ts";
import { unreachable } from "./failure.ts";
import type { Statistics } from "./statistics.ts";
import { openToken, type Token, type TokenSource } from "./token.ts";

const TRIES = 5;
const FIRST_PAUSE_SECONDS = 0.1;
const LONGEST_PAUSE_SECONDS = 5;
const REQUEST_SECONDS = 30;
const CONNECT_SECONDS = 5;
const CONNECTIONS = 16;
/** An API server closes what is idle for longer than 90 s. */
const KEEP_ALIVE_SECONDS = 75;

export interface KubeSettings {
  /** Such as `https://10.11.0.5:6443`. */
  readonly server: string;
  /** PEM of the authority the server's certificate must come from; the system's authorities where it is not given. */
  readonly authority?: string;
  /** Our certificate and key, PEM. */
  readonly client?: { readonly certificate: string; readonly key: string };
  /** Sent as a bearer token. */
  readonly token?: Token;
  /** The name the server's certificate must carry, where it is not the server's own address. */
  readonly servername?: string;
  /** Talks to whatever answers: for clusters whose owner has chosen so. */
  readonly insecure?: boolean;
}

export interface KubeRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly contentType?: string;
  readonly accept?: string;
  readonly body?: unknown;
  /** Doing it twice is the same as doing it once. */
  readonly repeatable: boolean;
}

/** An answer that comes in pieces. */
export interface StreamedAnswer {
  readonly status: number;
  readonly body: AsyncIterable<Uint8Array> & { text(): Promise<string> };
}

export interface Transport {
  /** The server's answer, whatever its status; a KubeError where there is none. */
  send(request: KubeRequest, options?: RequestOptions): Promise<RawAnswer>;
  /** An answer without end, over a connection of its own; tried once. Silence of `idleSeconds` ends it. */
  stream(path: string, idleSeconds: number, signal: AbortSignal): Promise<StreamedAnswer>;
  close(): Promise<void>;
}

interface Connection {
  readonly server: string;
  readonly agent: Agent;
  readonly token: TokenSource | undefined;
  readonly statistics: Statistics;
}

export function openTransport(settings: KubeSettings, statistics: Statistics): Transport {
  const { server } = settings;
  const token = settings.token === undefined ? undefined : openToken(settings.token);
  const context = secureContextOf(settings);
  const agent = openAgent(settings, CONNECTIONS, context);
  // A watch holds its connection for minutes: among the others it would starve requests.
  const watches = openAgent(settings, null, context);
  return {
    send: (request, options = {}) => sendWithRetries({ server, agent, token, statistics }, request, options),
    stream: (path, idleSeconds, signal) =>
      openStream({ server, agent: watches, token, statistics }, path, idleSeconds, signal),
    close: async () => {
      await Promise.all([agent.close(), watches.destroy()]);
    },
  };
}

function certificatesOf({ authority, client }: Pick<KubeSettings, "authority" | "client">) {
  return {
    ...(authority !== undefined && { ca: authority }),
    ...(client !== undefined && { cert: client.certificate, key: client.key }),
  };
}

/** Read once and not for each connection; undefined where it can't be read, which the first connection then tells. */
function secureContextOf(settings: KubeSettings): SecureContext | undefined {
  try {
    return createSecureContext(certificatesOf(settings));
  } catch {
    return undefined;
  }
}

function openAgent(
  { servername, insecure, ...settings }: KubeSettings,
  connections: number | null,
  secureContext: SecureContext | undefined,
): Agent {
  const certificates = certificatesOf(settings);
  return new Agent({
    // HTTP/2 in undici 8 mishandles GOAWAY, which API servers send to spread their load.
    allowH2: false,
    connections,
    keepAliveTimeout: KEEP_ALIVE_SECONDS * 1000,
    connectTimeout: CONNECT_SECONDS * 1000,
    connect: {
      ...(secureContext ? { secureContext } : certificates),
      ...(servername !== undefined && { servername }),
      ...(insecure && { rejectUnauthorized: false }),
    },
  });
}

async function openStream(
  connection: Connection,
  path: string,
  idleSeconds: number,
  signal: AbortSignal,
): Promise<StreamedAnswer> {
  const { agent, server, statistics } = connection;
  try {
    const headers = { accept: "application/json", ...(await authorization(connection)).headers };
    const { statusCode, body } = await agent.request({
      origin: server,
      path,
      method: "GET",
      headers,
      signal,
      headersTimeout: Math.min(REQUEST_SECONDS, idleSeconds) * 1000,
      bodyTimeout: idleSeconds * 1000,
    });
    statistics.answered("WATCH", statusCode, 0);
    return { status: statusCode, body };
  } catch (error) {
    signal.throwIfAborted();
    statistics.unanswered("WATCH");
    throw error instanceof KubeError ? error : unreachable(server, error);
  }
}

async function authorization({
  token,
}: Connection): Promise<{ readonly headers: Record<string, string>; readonly token?: string }> {
  if (!token) return { headers: {} };
  const current = await token.current();
  return { headers: { authorization: `Bearer ${current}` }, token: current };
}

async function sendWithRetries(
  connection: Connection,
  request: KubeRequest,
  options: RequestOptions,
): Promise<RawAnswer> {
  for (let tried = 1; ; tried += 1) {
    const outcome = await sendOnce(connection, request, options);
    const last = tried === TRIES;
    if ("answer" in outcome && outcome.renewed && !last) continue;
    if ("answer" in outcome) {
      if (last || !isRefusal(outcome, request)) return outcome.answer;
    } else {
      options.signal?.throwIfAborted();
      if (last || !(request.repeatable || neverSent(outcome.error)))
        throw unreachable(connection.server, outcome.error);
    }
    const pause = pauseSeconds(tried, outcome.retryAfter) * 1000;
    await sleep(pause, undefined, options.signal && { signal: options.signal }).catch(() => undefined);
    options.signal?.throwIfAborted();
  }
}

type Outcome =
  | {
      readonly answer: RawAnswer;
      readonly retryAfter: number | undefined;
      /** It was refused for its token, and there is another one by now. */
      readonly renewed: boolean;
    }
  | { readonly error: unknown; readonly retryAfter?: undefined };

async function sendOnce(
  connection: Connection,
  { method, path, body, contentType = "application/json", accept = "application/json" }: KubeRequest,
  options: RequestOptions,
): Promise<Outcome> {
  const { agent, server, statistics, token } = connection;
  const { headers, token: shown } = await authorization(connection);
  // Not AbortSignal.timeout: its timers outlive their requests, thousands at once under load.
  const late = new AbortController();
  const seconds = options.timeoutSeconds ?? REQUEST_SECONDS;
  const timer = setTimeout(
    () => late.abort(new DOMException(`no answer within ${seconds} s`, "TimeoutError")),
    seconds * 1000,
  );
  const request: Dispatcher.RequestOptions = {
    origin: server,
    path,
    method,
    headers: { accept, ...headers, ...(body !== undefined && { "content-type": contentType }) },
    body: body === undefined ? null : JSON.stringify(body),
    signal: options.signal ? AbortSignal.any([options.signal, late.signal]) : late.signal,
  };
  const began = performance.now();
  try {
    const { statusCode: status, headers, body: answer } = await agent.request(request);
    const text = await answer.text();
    statistics.answered(method, status, (performance.now() - began) / 1000);
    const retryAfter = Number(headers["retry-after"]);
    const renewed =
      status === 401 && shown !== undefined && token !== undefined && (await token.refused(shown));
    return {
      answer: { status, text },
      retryAfter: Number.isFinite(retryAfter) ? retryAfter : undefined,
      renewed,
    };
  } catch (error) {
    statistics.unanswered(method);
    return { error };
  } finally {
    clearTimeout(timer);
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
