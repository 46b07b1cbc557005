/** Requests to an ACME authority over HTTPS: nonces, answers as JSON, failures in words. */
import { Agent } from "undici";
import { worldFailed } from "#base/errors.ts";
import { type AccountKey, signed } from "./jws.ts";
import { type ProblemDocument, problemType, refusal } from "./problem.ts";

const REQUEST_SECONDS = 30;
const CONNECT_SECONDS = 10;
/** A nonce may have been too old, or a load balancer's other half did not know it. */
const NONCE_TRIES = 8;
/** Certificates are a few KB; whoever sends more is no authority. */
const LONGEST_BODY = 1 << 20;

export interface TransportSettings {
  readonly directory: string;
  /** PEM of who signs the server's certificate; the system's authorities where it is not given. */
  readonly authority?: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Of what was made, from Location. */
  readonly location?: string;
  /** Seconds, from Retry-After. */
  readonly retryAfter?: number;
}

export interface Transport {
  /** Reads without a signature. */
  get(url: string): Promise<Answer>;
  /** A signed request; a refusal is thrown. @param what is wanted, in words: "make an order" */
  post(url: string, what: string, sender: Sender, payload?: unknown): Promise<Answer>;
  /** The same, reading what may be there no more: undefined where it is not, or is another account's. */
  find(url: string, what: string, sender: Sender): Promise<Answer | undefined>;
  close(): Promise<void>;
}

export interface Sender {
  readonly key: AccountKey;
  /** Undefined until there is one. */
  readonly account: string | undefined;
  readonly newNonce: string;
}

interface Raw extends Answer {
  readonly nonce?: string;
}

export function openTransport({ directory, authority }: TransportSettings): Transport {
  const agent = new Agent({
    allowH2: false,
    connectTimeout: CONNECT_SECONDS * 1000,
    connect: { ...(authority !== undefined && { ca: authority }) },
  });
  // Each is good once; answers bring new ones.
  const nonces: string[] = [];
  const send = async (method: "GET" | "HEAD" | "POST", url: string, body?: unknown): Promise<Raw> => {
    try {
      const answer = await exchange(agent, method, url, body);
      if (answer.nonce !== undefined) nonces.push(answer.nonce);
      return answer;
    } catch (error) {
      throw unanswered(directory, error);
    }
  };
  const freshNonce = async (url: string): Promise<string> => {
    if (nonces.length === 0) await send("HEAD", url);
    const nonce = nonces.pop();
    if (nonce === undefined) throw odd(directory, "gives no nonce");
    return nonce;
  };
  /** Whatever the answer is, but for a nonce that was not taken. */
  const ask = async (url: string, sender: Sender, payload: unknown): Promise<Raw> => {
    for (let tried = 1; ; tried += 1) {
      const nonce = await freshNonce(sender.newNonce);
      const answer = await send(
        "POST",
        url,
        signed(sender.key, { url, nonce, account: sender.account }, payload),
      );
      const badNonce = answer.status === 400 && problemType(problemIn(directory, answer)) === "badNonce";
      if (!badNonce || tried === NONCE_TRIES) return answer;
    }
  };
  const believed = (answer: Raw, what: string): Raw => {
    if (answer.status < 400) return answer;
    throw refusal(directory, what, problemIn(directory, answer), answer.retryAfter);
  };
  return {
    get: (url) => send("GET", url),
    post: async (url, what, sender, payload) => believed(await ask(url, sender, payload), what),
    find: async (url, what, sender) => {
      const answer = await ask(url, sender, undefined);
      return [403, 404].includes(answer.status) ? undefined : believed(answer, what);
    },
    close: () => agent.destroy(),
  };
}

async function exchange(agent: Agent, method: "GET" | "HEAD" | "POST", url: string, body?: unknown) {
  const { origin, pathname, search } = new URL(url);
  const { headers, ...answer } = await agent.request({
    origin,
    path: `${pathname}${search}`,
    method,
    headers: {
      "user-agent": "panopticon",
      ...(body !== undefined && { "content-type": "application/jose+json" }),
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_SECONDS * 1000),
  });
  const one = (name: string): string | undefined => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const [nonce, location, wait] = [one("replay-nonce"), one("location"), waitSeconds(one("retry-after"))];
  const text = await bodyText(answer.body);
  return {
    status: answer.statusCode,
    text,
    ...(nonce !== undefined && { nonce }),
    ...(location !== undefined && { location: new URL(location, url).href }),
    ...(wait !== undefined && { retryAfter: wait }),
  };
}

async function bodyText(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > LONGEST_BODY) throw new RangeError("an answer without an end");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** A number of seconds, or a date (RFC 9110, 10.2.3). */
function waitSeconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

function problemIn(directory: string, { status, text }: Raw): ProblemDocument {
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === "object" && read !== null) return read;
  } catch {
    // Said below.
  }
  throw odd(directory, `answers HTTP ${status} without saying why`);
}

/** An answer that is not as RFC 8555 has it. */
export function odd(directory: string, why: string, cause?: unknown): Error {
  return worldFailed(
    "CERTIFICATE_AUTHORITY_ODD",
    `${directory} ${why}`,
    "See that `certificates.acme.directory` leads to the directory of an ACME authority.",
    cause,
  );
}

function unanswered(directory: string, error: unknown): Error {
  if (error instanceof RangeError) return odd(directory, `gives ${error.message}`, error);
  const { code = "", name, message } = error as NodeJS.ErrnoException;
  if (/^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|DEPTH_|SELF_SIGNED|HOSTNAME_)/.test(code))
    return worldFailed(
      "CERTIFICATE_AUTHORITY_UNTRUSTED",
      `what answers at ${directory} shows a certificate that is not trusted (${code})`,
      "Name who signs it, where it is no public authority: `certificates.acme.authorityFile`.",
      error,
    );
  const why = name === "TimeoutError" ? `no answer in ${REQUEST_SECONDS} s` : code || message;
  return worldFailed(
    "CERTIFICATE_AUTHORITY_SILENT",
    `${directory} can't be reached (${why})`,
    "See whether it can be reached from here, and run this again; a certificate that is still good stays in use.",
    error,
  );
}
