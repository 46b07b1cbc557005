/** An outside witness as a process: HTTPS with a certificate of its own, asked by those who have the secret. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import type { Emit } from "#base/events.ts";
import { worldFailed } from "#base/errors.ts";
import { type Elector, openElector } from "./elector.ts";
import { fingerprintOf } from "./file.ts";
import { openWitnessStore, type WitnessStore } from "./store.ts";
import { CLAIM, PROMISE, TOLD } from "./wire.ts";

const LONGEST_BODY = 1024 * 1024;
const REQUEST_MS = 10_000;
const CONNECTIONS = 200;

export interface WitnessOptions {
  readonly folder: string;
  /** Undefined: all of the machine's. */
  readonly listen?: string;
  /** Undefined: that of the address it was made with; any free one where it is 0. */
  readonly port?: number;
}

/** Votes until `signal` is aborted. Errors: FEDERATION_WITNESS_STATE, FEDERATION_WITNESS_BUSY, CONTROL_PORT. */
export async function runWitness(
  { folder, listen, port }: WitnessOptions,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const store = await openWitnessStore(folder);
  const { name, url, certificate, key } = store.identity;
  const subject = `witness ${name}`;
  try {
    const electors = openElectors(store, signal);
    for (const id of await store.federations()) await electors(id);
    const handle = handler(store, electors, (what) => emit({ kind: "note", subject, what }));
    const server = createServer(
      { cert: certificate, key, minVersion: "TLSv1.3", requestTimeout: REQUEST_MS },
      (request, response) => void handle(request, response),
    );
    server.maxConnections = CONNECTIONS;
    const wanted = port ?? Number(new URL(url).port || 443);
    await listening(server, wanted, listen);
    server.on("error", (error) =>
      emit({ kind: "note", subject, what: `a connection failed: ${error.message}` }),
    );
    const at = server.address() as AddressInfo;
    const digest = fingerprintOf(certificate) ?? "";
    emit({ kind: "note", subject, what: `listens on port ${at.port} of ${at.address}, for ${url}` });
    emit({ kind: "note", subject, what: `its certificate has the SHA-256 fingerprint ${digest}` });
    await aborted(signal);
    server.close();
    server.closeAllConnections();
  } finally {
    store.close();
  }
}

/** One per federation, opened when it is first needed: the operator may add one while the witness runs. */
function openElectors(store: WitnessStore, signal: AbortSignal): (id: string) => Promise<Elector> {
  const open = new Map<string, Promise<Elector>>();
  return (id) => {
    const known = open.get(id);
    if (known) return known;
    const opened = openElector(store, id, signal);
    open.set(id, opened);
    opened.catch(() => open.delete(id));
    return opened;
  };
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

function handler(
  store: WitnessStore,
  electors: (id: string) => Promise<Elector>,
  note: (what: string) => void,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    let answer: Answer;
    try {
      answer = await answerTo(request, store, electors);
    } catch (error) {
      note(`can't answer: ${(error as Error).message}`);
      answer = refusal(503, "this witness can't vote now; its own output says why");
    }
    // What is left of a request that is refused early is not read.
    const headers = { "content-type": "application/json", connection: "close" };
    response.writeHead(answer.status, headers).end(`${JSON.stringify(answer.body)}\n`);
  };
}

async function answerTo(
  request: IncomingMessage,
  store: WitnessStore,
  electors: (id: string) => Promise<Elector>,
): Promise<Answer> {
  const credential = /^Bearer (\S{1,128})$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const federation = await store.authenticate(credential);
  // Before anything else that a stranger could learn from.
  if (federation === undefined) return refusal(401, "this witness does not know the secret");
  if (request.method !== "POST") return refusal(405, "a witness is asked by POST");
  const text = await bodyOf(request);
  if (text === undefined) return refusal(413, `a question has at most ${LONGEST_BODY} bytes`);
  const elector = await electors(federation);
  switch (request.url ?? "") {
    case "/v1/claim":
      return answered(CLAIM, text, (claim) => elector.claim(claim));
    case "/v1/crown":
      return answered(TOLD, text, ({ crown }) => elector.tell(crown));
    case "/v1/give-up":
      return answered(PROMISE, text, async (claim) => {
        await elector.giveUp(claim);
        return {};
      });
    default:
      return refusal(404, "there are /v1/claim, /v1/crown and /v1/give-up");
  }
}

async function answered<T>(
  schema: z.ZodType<T>,
  text: string,
  work: (question: T) => Promise<object>,
): Promise<Answer> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refusal(400, "the question is no JSON");
  }
  const { data, error } = schema.safeParse(value);
  if (error) return refusal(400, z.prettifyError(error));
  return { status: 200, body: await work(data) };
}

function refusal(status: number, error: string): Answer {
  return { status, body: { error } };
}

/** Undefined where it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > LONGEST_BODY) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function listening(
  server: ReturnType<typeof createServer>,
  port: number,
  host: string | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        worldFailed(
          "CONTROL_PORT",
          `port ${port}${host === undefined ? "" : ` of ${host}`} can't be used`,
          "Name another one with --port, or another address with --listen.",
          cause,
        ),
      ),
    );
    server.listen({ port, ...(host !== undefined && { host }) }, resolve);
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
