/** Where other voters tell what they see: HTTPS, for who shows a certificate of the federation's steering. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { TLSSocket } from "node:tls";
import { worldFailed } from "#base/errors.ts";
import { voterOf } from "#control/dns/signature.ts";
import type { Word } from "#control/dns/words.ts";
import { LONGEST_BODY, WORDS } from "./wire.ts";

const REQUEST_MS = 5000;
const CONNECTIONS = 1000;

/** PEM texts. */
export interface VoterTls {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

export interface ServerHandlers {
  readonly voters: readonly string[];
  /** Undefined while another machine of the site does the work. */
  hear(from: string, words: readonly Word[]): readonly Word[] | undefined;
  status(): object;
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

/** Listens, and gives what ends it. Errors: CONTROL_PORT. */
export async function serveVoters(
  tls: VoterTls,
  at: { readonly address?: string; readonly port: number },
  handlers: ServerHandlers,
): Promise<() => void> {
  const server = createServer(
    {
      ca: tls.authority,
      cert: tls.certificate,
      key: tls.key,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.3",
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: 10_000,
    },
    (request, response) => void handle(request, response, handlers),
  );
  server.maxConnections = CONNECTIONS;
  await listening(server, at);
  // Strangers who hang up are no news.
  server.on("error", () => undefined);
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: ServerHandlers,
): Promise<void> {
  let answer: Answer;
  try {
    answer = await answerTo(request, handlers);
  } catch {
    answer = { status: 400, body: { error: "the question can't be read" } };
  }
  if (answer.status >= 400) response.setHeader("connection", "close");
  response.writeHead(answer.status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(answer.body)}\n`);
}

async function answerTo(request: IncomingMessage, handlers: ServerHandlers): Promise<Answer> {
  const certificate = (request.socket as TLSSocket).getPeerX509Certificate();
  const from = certificate && voterOf(certificate);
  if (from === undefined || !handlers.voters.includes(from))
    return { status: 403, body: { error: "the certificate names no voter" } };
  const { method, url } = request;
  if (method === "GET" && url === "/status") return { status: 200, body: handlers.status() };
  if (method !== "POST" || url !== "/v1/words")
    return { status: 404, body: { error: "there are POST /v1/words and GET /status" } };
  const { words } = WORDS.parse(JSON.parse(await bodyOf(request)));
  const known = handlers.hear(from, words);
  if (!known) return { status: 503, body: { error: "another machine of this site does the work" } };
  return { status: 200, body: { words: known } };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > LONGEST_BODY) throw new RangeError("too long");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function listening(server: Server, at: { readonly address?: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        worldFailed(
          "CONTROL_PORT",
          `port ${at.port}${at.address === undefined ? "" : ` of ${at.address}`} can't be used`,
          "See who uses it: ss -ltnp. Another one is `listen` of the configuration.",
          cause,
        ),
      ),
    );
    server.listen({ port: at.port, host: at.address ?? "0.0.0.0" }, resolve);
  });
}
